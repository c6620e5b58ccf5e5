"""Luby's universal schedule of run lengths: 1, 1, 2, 1, 1, 2, 4, ...

Within a constant times the logarithm of the best possible expected cost, whatever the distribution
of the time to solution (Luby, Sinclair and Zuckerman, Optimal Speedup of Las Vegas Algorithms,
Information Processing Letters 47, 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice

__all__ = ["expected_cost", "run_lengths"]

_MOST_DOUBLINGS = 2_000


def run_lengths(n: int) -> list[int]:
    """Return the first n run lengths.

    Examples
    --------
    >>> run_lengths(7)
    [1, 1, 2, 1, 1, 2, 4]
    """
    return list(islice(_schedule(), n))


def _schedule() -> Iterator[int]:
    # Knuth's loopless form: u counts the blocks, and each block is runs of 1, 2, 4, ... up to the
    # lowest set bit of u.
    u, v = 1, 1
    for _ in count():
        yield v
        if u & -u == v:
            u, v = u + 1, 1
        else:
            v = 2 * v


def expected_cost(
    success: Callable[[int], float], cost: Callable[[int], float], most: int
) -> float:
    """Return the expected cost until the first success of runs on Luby's schedule.

    Parameters
    ----------
    success : callable
        Probability that a run of at most this many steps succeeds.
    cost : callable
        Mean steps of a run that is ended after this many.
    most : int
        Longest run; longer ones of the schedule are cut to it.

    Returns
    -------
    float
        Steps; infinite where no run of ``most`` steps ever succeeds.

    Notes
    -----
    With S(1) = 1 and S(k + 1) = S(k), S(k), 2**k, the schedule is the limit of S(k). So its
    cost follows from that of S(k) by doubling, and the chance to be still without success after
    S(k) is squared each time.
    """
    if success(most) <= 0:
        return float("inf")
    total, alive = cost(1), 1 - success(1)
    for k in range(1, _MOST_DOUBLINGS):
        length = min(2**k, most)
        total += alive * total + alive**2 * cost(length)
        alive = alive**2 * (1 - success(length))
        if alive < 1e-300:
            break
    return total
