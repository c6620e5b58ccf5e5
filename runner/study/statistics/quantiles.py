"""Quantiles with intervals that hold at every number of restarts at once.

How many of n values are at or below the quantile of a share q is binomial, with q known. So the
ranks that `runner.study.statistics.anytime` has little evidence against bound the quantile (Howard
and Ramdas 2022, Bernoulli 28:1704). Nothing is assumed of the values' distribution; ties are
allowed, and a value that never came counts as infinite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from runner.study.statistics.anytime import HALF_WIDTH, concentration, log_evidence
from runner.study.statistics.bisection import EVIDENCE, last_inside


class Quantile(NamedTuple):
    """A quantile and its interval; infinite where the values do not tell."""

    estimate: float
    """The smallest value that at least this share of the values does not exceed."""
    low: float
    """Lower end of the interval of 95% that holds at all numbers of values at once."""
    high: float
    """Upper end."""


def anytime_quantile(
    values: np.ndarray, counts: np.ndarray, share: float, half_width: float = HALF_WIDTH
) -> Quantile:
    """Return a quantile with its interval.

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
