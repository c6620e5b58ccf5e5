"""The difference of two configurations' success, restart by restart, at any number of restarts.

Restart k of both configurations has the same start, so what counts is the pair: D = 1 where only
the second is solved, -1 where only the first, 0 else. For a difference d of the shares, a player
bets the part g of his wealth on "more than d", at odds that are fair if d is true: he then has
(1 - g) + g (1 + D) / (1 + d) times as much. Another one bets on "less", likewise with -D and -d.
Their wealth, averaged over both and over many g, is a martingale if d is true, begins with 1, and
passes 20 at any time with probability 1/20 at most (Ville 1939). The differences that no one has
become rich against are the interval (Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86:1).

At d = 0, equal pairs leave everybody's wealth as it is: what is left is a bet on the discordant
pairs alone, McNemar's test made sequential.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from runner.study.statistics.bisection import EVIDENCE, first_outside

# Parts of the wealth that are bet: most of it, a half, and down to what pays at a billion pairs.
_PARTS: Final = np.append(0.9, 2.0 ** -np.arange(1, 15))
_WIDEST = 1 - 1e-15  # of differences that can be looked at


class Difference(NamedTuple):
    """Differences of paired shares, the second less the first."""

    estimate: np.ndarray
    """(m,) float64: means of the differences."""
    low: np.ndarray
    """(m,) float64: lower ends of 95% intervals that hold at all numbers of pairs at once."""
    high: np.ndarray
    """(m,) float64: upper ends."""
    evidence: np.ndarray
    """(m,) float64: evidence, in nats, that there is a difference; from ln 20 = 3.0 on there is."""


class Outcome(StrEnum):
    """What is known of two configurations."""

    DIFFER = "differ"
    """The difference is not 0."""
    ALIKE = "alike"
    """The difference is smaller than the one that would matter."""
    OPEN = "open"
    """Neither is known yet."""


def paired_difference(
    only_first: npt.ArrayLike, only_second: npt.ArrayLike, n: npt.ArrayLike
) -> Difference:
    """Return the differences of success of restarts in pairs.

    Parameters
    ----------
    only_first, only_second : array_like, shape (m,), int
        Pairs of which only the first, or only the second, is solved.
    n : array_like, shape (m,), int
        All pairs.

    Returns
    -------
    Difference
        Missing, with evidence 0, where there is no pair.

    Notes
    -----
    The wealth against a difference is convex in it (a product of positive falling convex functions,
    or rising ones, and sums of these), so its limits are found by bisection from the mean
    difference, against which nobody wins.

    Examples
    --------
    >>> [round(float(x[0]), 3) for x in paired_difference(20, 60, 1000)]
    [0.04, 0.009, 0.074, 7.124]
    """
    falls, rises, pairs = (
        np.atleast_1d(np.asarray(counts, float)) for counts in (only_first, only_second, n)
    )
    counts = np.array([falls, pairs - falls - rises, rises])
    mean = (rises - falls) / np.maximum(pairs, 1)
    ends = [mean, *(_end(counts, mean, outside) for outside in (-1.0, 1.0))]
    known = [np.where(pairs == 0, np.nan, end) for end in ends]
    return Difference(known[0], known[1], known[2], log_wealth(counts, np.zeros(len(pairs))))


def outcome(only_first: int, only_second: int, n: int, matters: float) -> Outcome:
    """Tell what is known: stop a comparison as soon as it is not `Outcome.OPEN`.

    Parameters
    ----------
    only_first, only_second, n : int
        As for `paired_difference`.
    matters : float
        The smallest difference that matters, above 0 and below 1; fixed before the restarts are
        seen.

    Examples
    --------
    >>> outcome(20, 60, 1000, matters=0.1).value
    'differ'
    """
    differ, alike = decided(only_first, only_second, n, matters)
    if differ[0]:
        return Outcome.DIFFER
    return Outcome.ALIKE if alike[0] else Outcome.OPEN


def decided(
    only_first: npt.ArrayLike, only_second: npt.ArrayLike, n: npt.ArrayLike, matters: float
) -> tuple[np.ndarray, np.ndarray]:
    """Tell of many comparisons what `outcome` tells of one.

    Parameters
    ----------
    only_first, only_second, n : array_like, shape (m,)
        As for `paired_difference`.
    matters : float
        As for `outcome`.

    Returns
    -------
    differ, alike : ndarray, shape (m,), bool
        Where neither, it is open.
    """
    falls, rises, pairs = (
        np.atleast_1d(np.asarray(counts, float)) for counts in (only_first, only_second, n)
    )
    counts = np.array([falls, pairs - falls - rises, rises])
    none, less, more = (
        log_wealth(counts, np.full(len(pairs), d)) >= EVIDENCE for d in (0.0, -matters, matters)
    )
    # The differences with little wealth against them are an interval around the mean.
    inside = abs(rises - falls) < matters * pairs
    return none, ~none & inside & less & more


def log_wealth(counts: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Logarithm of the wealth won against differences.

    Parameters
    ----------
    counts : ndarray, shape (3, m)
        Pairs with D = -1, 0 and 1.
    difference : ndarray, shape (m,)
        Above -1 and below 1.

    Returns
    -------
    ndarray, shape (m,)
    """
    falls, ties, rises = counts[:, :, None]
    both = []
    for wins, losses, d in ((rises, falls, difference), (falls, rises, -difference)):
        kept, won = 1 - _PARTS, _PARTS / (1 + d[:, None])
        both.append(
            wins * np.log(kept + 2 * won) + ties * np.log(kept + won) + losses * np.log(kept)
        )
    total = np.logaddexp.reduce(np.concatenate(both, axis=1), axis=1)
    wealth: np.ndarray = total - np.log(2 * len(_PARTS))
    return wealth


def _end(counts: np.ndarray, mean: np.ndarray, side: float) -> np.ndarray:
    """Where the wealth passes its limit, between the mean and -1 or 1; never too near."""

    def likely(d: np.ndarray) -> np.ndarray:
        # Where the mean is -1 or 1, there is nothing beyond.
        wealth = log_wealth(counts, np.clip(d, -_WIDEST, _WIDEST))
        below: np.ndarray = (abs(d) == 1) | (wealth < EVIDENCE)
        return below

    return first_outside(likely, mean, np.full_like(mean, side))
