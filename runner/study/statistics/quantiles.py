"""Quantiles with intervals: those that hold whenever one looks, and a median's of one look.

How many of n values are at or below the quantile of a share q is binomial, with q known. So ranks
bound the quantile: for a number of values that was fixed before, those of the sign test (Thompson
1936, Ann. Math. Stat. 7:122); for every number at once, those that
`runner.study.statistics.anytime` has little evidence against (Howard and Ramdas 2022, Bernoulli
28:1704). Nothing is assumed of the values' distribution, and ties only widen the intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from runner.study.statistics.anytime import HALF_WIDTH, concentration, log_evidence
from runner.study.statistics.bisection import EVIDENCE, last_inside


class Quantile(NamedTuple):
    """A quantile and its interval."""

    estimate: float
    """Of the values that there are."""
    low: float
    """Lower end of the interval for that of their population."""
    high: float
    """Upper end."""


def median(values: np.ndarray, confidence: float) -> Quantile:
    """Return a median with its interval, for a number of values that was fixed before.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Finite; none will do.
    confidence : float
        How often the interval is to hold, at least: 0.95.

    Returns
    -------
    Quantile
        Missing where there are too few values.

    Examples
    --------
    >>> median(np.arange(1.0, 1001.0), 0.95)
    Quantile(estimate=500.5, low=469.0, high=532.0)
    """
    from scipy.stats import quantile_test

    if not len(values):
        return Quantile(np.nan, np.nan, np.nan)
    found: Any = quantile_test(values, q=0, p=0.5)  # its types lack this method's
    low, high = found.confidence_interval(confidence)
    return Quantile(float(np.median(values)), float(low), float(high))


def anytime_quantile(
    values: np.ndarray, counts: np.ndarray, share: float, half_width: float = HALF_WIDTH
) -> Quantile:
    """Return a quantile with the interval of 95% that holds at all numbers of values at once.

    Parameters
    ----------
    values : ndarray, shape (k,)
        Different values, rising; infinity for what did not come.
    counts : ndarray, shape (k,), int
        How often each was seen.
    share : float
        Between 0 and 1; 0.5 for the median.
    half_width : float
        Half-width of ranks, as a share of ``n``, that the interval is made for.

    Returns
    -------
    Quantile
        The estimate is the smallest value that at least this share does not exceed; what the values
        do not tell is infinite.

    Examples
    --------
    >>> anytime_quantile(np.arange(1, 1001), np.ones(1000, int), 0.5)
    Quantile(estimate=500.0, low=443.0, high=558.0)
    """
    n, last = int(counts.sum()), np.cumsum(counts)
    if n == 0:
        return Quantile(np.nan, -np.inf, np.inf)
    logit, c = np.log(share / (1 - share)), concentration(half_width)

    def likely(rank: int) -> bool:
        return bool(log_evidence(rank, n, logit, c) < EVIDENCE)

    def value(rank: int) -> float:
        if not 1 <= rank <= n:
            return -np.inf if rank < 1 else np.inf
        return float(values[np.searchsorted(last, rank)])

    middle = int(np.ceil(share * n))
    return Quantile(
        value(max(1, middle)),
        value(_last(likely, middle, 0)),
        value(_last(likely, middle, n) + 1),
    )


def _last(likely: Callable[[int], bool], inside: int, end: int) -> int:
    """Return the last rank towards an end that is likely; those that are, are neighbours."""
    return end if likely(end) else last_inside(likely, inside, end)
