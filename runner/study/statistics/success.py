"""The difference of two shares of solved restarts, in pairs or as independent samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from runner.study.statistics.base import CONFIDENCE

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
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.weightstats import DescrStatsW

    difference = b.astype(float) - a.astype(float)
    adjusted = DescrStatsW(np.append(difference, [1.0, -1.0]))
    low, high = adjusted.zconfint_mean(1 - CONFIDENCE)
    table = np.bincount(2 * a + b, minlength=4).reshape(2, 2)
    p_value = float(mcnemar(table, exact=True).pvalue)
    ends = max(-1.0, float(low)), min(1.0, float(high))
    return SuccessDifference(float(difference.mean()), *ends, p_value)


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
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    k, n = [int(b.sum()), int(a.sum())], [len(b), len(a)]
    low, high = confint_proportions_2indep(
        k[0], n[0], k[1], n[1], compare="diff", method="newcomb", alpha=1 - CONFIDENCE
    )
    table = np.array([[k[0], n[0] - k[0]], [k[1], n[1] - k[1]]])
    difference = k[0] / n[0] - k[1] / n[1]
    p_value = float(fisher_exact(table).pvalue)
    return SuccessDifference(difference, float(low), float(high), p_value)
