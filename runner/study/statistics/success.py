"""The difference of two shares of solved restarts, in pairs or as independent samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from runner.study.statistics.base import Z
from runner.study.statistics.proportions import proportion

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration


class SuccessDifference(NamedTuple):
    """The share solved of the second less that of the first."""

    difference: float
    """From -1 to 1."""
    ci_low: float
    """Lower end of its 95% interval."""
    ci_high: float
    """Upper end."""
    p_value: float
    """Of no difference, two-sided."""


def same_starts(a: Configuration, seed_a: int, b: Configuration, seed_b: int) -> bool:
    """Tell whether restarts of equal number of two configurations start at the same weights.

    Parameters
    ----------
    a, b : Configuration
    seed_a, seed_b : int
        The seeds of their experiments.
    """
    return a.starts(seed_a).same_as(b.starts(seed_b))


def paired_success(a: np.ndarray, b: np.ndarray) -> SuccessDifference:
    """Compare restarts of the same starts.

    Parameters
    ----------
    a, b : ndarray, shape (n,), bool
        Whether each restart is solved; n is at least 1.

    Notes
    -----
    McNemar's exact test, and the interval of Bonett and Price (2012), Wald's with one discordant
    pair more of each kind.
    """
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n = len(a)
    low, high = _bonett_price(only_a, only_b, n)
    discordant = only_a + only_b
    left = np.arange(discordant)
    p_value = _two_sided((discordant - left) / (left + 1), only_b)
    return SuccessDifference((only_b - only_a) / n, low, high, p_value)


def independent_success(a: np.ndarray, b: np.ndarray) -> SuccessDifference:
    """Compare restarts of other starts.

    Parameters
    ----------
    a, b : ndarray, shapes (n,) and (m,), bool
        Whether each restart is solved; both have at least one.

    Notes
    -----
    Fisher's exact test, and Newcombe's interval (1998).
    """
    n_a, n_b = len(a), len(b)
    first, second = proportion(int(a.sum()), n_a), proportion(int(b.sum()), n_b)
    difference = second.estimate - first.estimate
    low = difference - np.hypot(second.estimate - second.low, first.high - first.estimate)
    high = difference + np.hypot(second.high - second.estimate, first.estimate - first.low)
    solved, of_b = int(a.sum() + b.sum()), int(b.sum())
    least = max(0, solved - n_a)  # of the solved ones, how many can be b's
    k = np.arange(least, min(n_b, solved))
    p_value = _two_sided(
        (solved - k) * (n_b - k) / ((k + 1) * (n_a - solved + k + 1)), of_b - least
    )
    return SuccessDifference(difference, float(low), float(high), p_value)


def _bonett_price(only_a: int, only_b: int, n: int) -> tuple[float, float]:
    """Return Wald's interval with one discordant pair more of each kind."""
    p, q, n = (only_b + 1) / (n + 2), (only_a + 1) / (n + 2), n + 2
    half = Z * np.sqrt((p + q - (p - q) ** 2) / n)
    return max(-1.0, float(p - q - half)), min(1.0, float(p - q + half))


def _two_sided(ratios: np.ndarray, seen: int) -> float:
    """Return how probable it is to see what is no more probable than what was seen.

    Parameters
    ----------
    ratios : ndarray, shape (m,), float64
        Probability of each outcome but the first, by that of the one before it.
    seen : int
        The outcome, counted from 0.

    Notes
    -----
    Outcomes that differ by less than rounding count as equal: 1e-7, as in R's ``fisher.test``.
    SciPy has both tests, in a module that takes longer to load than a report to write.
    """
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    chances = np.exp(logs - logs.max())
    return float(min(1.0, chances[logs <= logs[seen] + 1e-7].sum() / chances.sum()))
