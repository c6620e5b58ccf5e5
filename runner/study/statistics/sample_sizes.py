"""How many restarts configurations, or pairs of them, should have next to be precise enough."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from runner.study.statistics.anytime import anytime
from runner.study.statistics.bisection import first_outside, last_inside
from runner.study.statistics.paired import decided

_STEPS = 8  # halvings between n and 2 n: to half a percent


def first_restarts(half_width: float) -> int:
    """Return the restarts below which no configuration can be that precise.

    Examples
    --------
    >>> first_restarts(0.01)
    646
    """
    most = 1
    while _wide(np.zeros(1), np.array([most]), half_width, half_width)[0]:
        most *= 2

    def narrow(n: int) -> bool:
        return not _wide(np.zeros(1), np.array([n]), half_width, half_width)[0]

    return last_inside(narrow, most, most // 2)


def next_restarts(
    successes: npt.ArrayLike, n: npt.ArrayLike, half_width: float, made_for: float | None = None
) -> np.ndarray:
    """Return how many restarts each configuration should have next.

    Parameters
    ----------
    successes, n : array_like, shape (m,), int
        Of the restarts so far; ``n`` at least 1.
    half_width : float
        Of the interval that holds at all numbers of restarts, see
        `runner.study.statistics.anytime`.
    made_for : float, optional
        The half-width that the interval is made for; by default this one.

    Returns
    -------
    ndarray, shape (m,), int64
        ``n`` where the interval is narrow enough. Otherwise as many as make it so if the share of
        solved ones stays the same, but at most twice ``n``: the share is not known yet.
    """
    k = np.atleast_1d(np.asarray(successes, float))
    now = np.atleast_1d(np.asarray(n, np.int64))
    goal = made_for or half_width

    def wide(counts: np.ndarray) -> np.ndarray:
        return _wide(k / now * counts, counts, half_width, goal)

    most = first_outside(wide, now.astype(float), 2.0 * now, _STEPS)
    wanted = np.maximum(np.ceil(most).astype(np.int64), now + 1)
    return np.where(_wide(k, now, half_width, goal), wanted, now)


def first_pairs(matters: float) -> int:
    """Return the pairs below which no comparison can tell that it is of less than ``matters``.

    Examples
    --------
    >>> first_pairs(0.02)
    346
    """

    def told(n: int) -> bool:
        return bool(decided(0, 0, n, matters)[1][0])

    most = 1
    while not told(most):
        most *= 2
    return last_inside(told, most, most // 2)


def next_pairs(
    only_first: npt.ArrayLike, only_second: npt.ArrayLike, n: npt.ArrayLike, matters: float
) -> np.ndarray:
    """Return how many pairs of restarts comparisons should have next.

    Parameters
    ----------
    only_first, only_second, n : array_like, shape (m,), int
        As for `runner.study.statistics.paired.decided`; ``n`` at least 1.
    matters : float
        The smallest difference that matters.

    Returns
    -------
    ndarray, shape (m,), int64
        ``n`` where it is known whether they differ. Otherwise as many as tell it if the shares stay
        the same, but at most twice ``n``.
    """
    shares = [np.atleast_1d(np.asarray(only, float)) / n for only in (only_first, only_second)]
    now = np.atleast_1d(np.asarray(n, np.int64))

    def open_(counts: np.ndarray) -> np.ndarray:
        differ, alike = decided(shares[0] * counts, shares[1] * counts, counts, matters)
        return np.asarray(~(differ | alike))

    most = first_outside(open_, now.astype(float), 2.0 * now, _STEPS)
    wanted = np.maximum(np.ceil(most).astype(np.int64), now + 1)
    return np.where(open_(now.astype(float)), wanted, now)


def _wide(k: np.ndarray, n: np.ndarray, half_width: float, made_for: float) -> np.ndarray:
    """(m,) bool: whether the interval of these counts is wider than asked for."""
    return anytime(k, n, made_for).half_width > half_width
