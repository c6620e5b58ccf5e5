"""The chance that the next restart shows a new class, bounded at any number of restarts.

Good's estimate, the share of classes seen once, says nothing of its own error, and who stops when
it is small stops too early: after three restarts of one class it is 0. A bound that holds at all
numbers of restarts at once:

The chance that a restart shows a new class can only fall while restarts are made. So the mean
chance in any window of past restarts is not below that of the next one. In a window of m
restarts with k new classes, and for any t in [0, 1), t^k / (1 - u (1 - t))^m is, at the mean chance
u, at most t^k by the product of 1 - u_i (1 - t) over the window's own chances u_i (a geometric mean
is not above the arithmetic one), and that is a martingale that begins with 1. It is averaged over
several t, and over windows that begin at 0, 1, 2, 4, 8, ... and end now. Where the average is 20 or
more, the chance is smaller than u, with 95% confidence, whenever one looks (Ville 1939).

If all classes were met early, the bound is about 5 / n; if one was met lately, about 14 / n.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from runner.study.statistics.base import CONFIGURATION
from runner.study.statistics.bisection import EVIDENCE, first_outside, last_inside

_BEGINNINGS: Final = np.append(0, 2 ** np.arange(31))
_RATIOS: Final = np.array([0, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 7 / 8])
_WEIGHTS: Final = np.array([0.5, *[0.1] * 5])


def new_class_chance(firsts: npt.ArrayLike, n: int) -> float:
    """Return the upper bound of the chance that restart n shows a new class.

    Parameters
    ----------
    firsts : array_like, shape (m,), int
        The first restart of each class, numbered from 0, below ``n``.
    n : int
        Restarts so far, 0 to ``n`` - 1.

    Returns
    -------
    float
        With 95% confidence the chance is smaller at all n together; 1 without a restart.

    Notes
    -----
    The restarts must be independent draws, and what a class is must not depend on them. Where
    two classes turn out to be one, take its first restart.

    Examples
    --------
    >>> round(new_class_chance([0, 1, 7], 10_000), 5)
    0.00049
    """

    def likely(log_chance: np.ndarray) -> np.ndarray:
        return np.array([log_evidence(firsts, n, float(np.exp(log_chance[0]))) < EVIDENCE])

    end = first_outside(likely, np.log([1e-18]), np.zeros(1))
    return float(np.exp(end[0]))


def new_class_chances(classes: pd.DataFrame) -> pd.Series[float]:
    """Return the bound of each configuration, by its number.

    Parameters
    ----------
    classes : DataFrame
        As `runner.study.study.Study.classes`; restarts that belong to no class are left out.
    """
    bounds: dict[int, float] = {}
    found = classes["class"][classes["class"] >= 0]
    for configuration, of_this in found.groupby(level=CONFIGURATION):
        firsts = np.unique(of_this.to_numpy(), return_index=True)[1]
        bounds[int(str(configuration))] = new_class_chance(firsts, len(of_this))
    return pd.Series(bounds, dtype=float)


def log_evidence(firsts: npt.ArrayLike, n: int, chance: float) -> float:
    """Logarithm of the evidence that the chance of a new class is smaller than this one.

    Parameters
    ----------
    firsts, n
        As for `new_class_chance`.
    chance : float
        Between 0 and 1.
    """
    where = np.sort(np.asarray(firsts, np.int64))
    new = (len(where) - np.searchsorted(where, _BEGINNINGS))[:, None]
    seen = np.maximum(n - _BEGINNINGS, 0)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.where(new == 0, 0.0, new * np.log(_RATIOS))
        growth = powers - seen * np.log1p(-min(chance, 1 - 1e-16) * (1 - _RATIOS))
    weighted = growth + np.log(_WEIGHTS / len(_BEGINNINGS))
    return float(np.logaddexp.reduce(weighted, axis=None))


def first_restarts(target: float) -> int:
    """Return the restarts below which the bound cannot come below a target.

    Examples
    --------
    >>> first_restarts(0.001)
    4663
    """
    n = 1
    while log_evidence([0], n, target) < EVIDENCE:
        n *= 2
    return _enough(np.zeros(1), n // 2, n, target)


def next_restarts(firsts: npt.ArrayLike, n: int, target: float) -> int:
    """Return the restarts after which the bound comes below a target if no class is new.

    Parameters
    ----------
    firsts, n
        As for `new_class_chance`.
    target : float
        Between 0 and 1.

    Returns
    -------
    int
        At most twice ``n``, and at least one more than ``n`` unless the bound is below.
    """
    if log_evidence(firsts, n, target) >= EVIDENCE:
        return n
    return _enough(firsts, n, max(2 * n, 1), target)


def _enough(firsts: npt.ArrayLike, least: int, most: int, target: float) -> int:
    """The smallest number of restarts beyond ``least`` that is enough, or else ``most``."""
    return last_inside(lambda n: log_evidence(firsts, n, target) >= EVIDENCE, most, least)
