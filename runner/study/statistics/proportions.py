"""A proportion of restarts, with its confidence interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from runner.study.statistics.base import Z


class Proportion(NamedTuple):
    """A proportion and its 95% confidence interval; all missing where nothing was counted."""

    estimate: float
    """Successes by trials."""
    low: float
    """Lower end of the interval; exactly 0 without a success."""
    high: float
    """Upper end; exactly 1 without a failure."""


def proportion(successes: int, n: int) -> Proportion:
    """Return a proportion with Wilson's score interval (Wilson 1927, J. Am. Stat. Assoc. 22:209).

    Parameters
    ----------
    successes : int
        From 0 to ``n``.
    n : int
        Trials.

    Examples
    --------
    >>> [round(x, 3) for x in proportion(8, 10)]
    [0.8, 0.49, 0.943]
    """
    if n == 0:
        return Proportion(np.nan, np.nan, np.nan)
    p, z2 = successes / n, Z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == n else float(centre + half)
    return Proportion(p, low, high)
