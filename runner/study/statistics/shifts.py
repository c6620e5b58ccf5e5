"""How much larger one of two configurations' numbers are: steps, or losses.

Nothing is assumed of their distribution: see `runner.study.statistics.quantiles`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from runner.study.statistics.base import CONFIDENCE
from runner.study.statistics.quantiles import median


class Shift(NamedTuple):
    """Numbers of the second less those of the first."""

    n: int
    """Pairs, or numbers of the smaller sample."""
    difference: float
    """Median of the differences of pairs, or difference of the medians; missing if n is 0."""
    low: float
    """Lower end of its interval, of 95% or more; missing where there are too few numbers."""
    high: float
    """Upper end."""


def paired_shift(a: np.ndarray, b: np.ndarray) -> Shift:
    """Return the median of the differences of pairs, with the interval of the sign test.

    Parameters
    ----------
    a, b : ndarray, shape (n,), float64
        Pairs of which one is not finite are left out.
    """
    finite = np.isfinite(a) & np.isfinite(b)
    differences = b[finite] - a[finite]
    return Shift(len(differences), *median(differences, CONFIDENCE))


def independent_shift(a: np.ndarray, b: np.ndarray) -> Shift:
    """Return the difference of two samples' medians.

    Parameters
    ----------
    a, b : ndarray, shapes (n,) and (m,), float64
        Those that are not finite are left out.

    Notes
    -----
    Each median has an interval of 97.5%, so that both hold with at least 95% (Bonferroni): the
    difference is between their ends.
    """
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    each = 1 - (1 - CONFIDENCE) / 2
    (first, low_a, high_a), (second, low_b, high_b) = median(a, each), median(b, each)
    return Shift(min(len(a), len(b)), second - first, low_b - high_a, high_b - low_a)
