"""Would a restart that looks stuck stay where it is? What its curvature says of more steps.

Near a saddle the loss hardly falls and the gradient is small, so a restart that is about to leave
looks as one that never will. What tells them apart is the surface: along the direction of the most
negative curvature the distance from the saddle grows by exp(rate * curvature) a step, so the
forecast needs no training. It is made for the endpoints that look stuck.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from runner.engines.base import MAX_EXACT
from runner.network.column_products import column_norms
from runner.training.curvature_bounds import Told, are_bounded
from runner.training.hessians import Gradients, Matrices, extreme_curvatures

AHEAD = 10
"""A restart called stuck is so in this many times its step budget."""

GROWTH = 0.3
"""Largest exponent by which the most unstable direction may grow in that time. Growth by a factor
e begins to be seen; a third of the exponent is room for a curvature that changes on the way."""

BoundsOf: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Told]
"""``bounds(parameters, which, least, enough)``: what columns of Hessians tell at parameters
(n_parameters, k) of endpoints ``which`` (k,) int and two bounds (k,)."""


def will_stay(
    parameters: np.ndarray,
    moved: np.ndarray,
    gradient: np.ndarray,
    max_steps: np.ndarray,
    follows_size: bool,
    gradients: Gradients,
    trained: np.ndarray,
    bounds: BoundsOf | None = None,
    matrices: Matrices | None = None,
) -> np.ndarray:
    """Tell which endpoints have settled and will not leave within `AHEAD` times their budget.

    Parameters
    ----------
    parameters, moved, gradient : ndarray, shape (n_parameters, n), float64
        Weights, the next step's weights, and the gradient there.
    max_steps : ndarray, shape (n,)
        Step budgets.
    follows_size : bool
        Whether steps shrink with the gradient. If not, as with rprop, the smallest slope is
        followed ever faster, and nothing stays but where there is none.
    gradients : Gradients
    trained : ndarray, shape (n_parameters,), bool
        Which parameters can move.
    bounds : BoundsOf, optional
        Compiled, in place of the gradients where these would be taken column by column.
    matrices : Matrices, optional
        As for `runner.training.hessians.extreme_curvatures`.

    Returns
    -------
    ndarray, shape (n,), bool
        True where the next step changes the weights by rounding at most. Elsewhere, with
        ``rate = |moved - parameters| / |gradient|``, where both hold: ``rate * AHEAD * max_steps``
        times the most negative curvature is at least ``-GROWTH``; and ``rate * max_steps`` times
        the largest curvature is at least 1, as what has not begun to settle is not at rest.
    """
    slope, pace = column_norms(gradient), column_norms(moved - parameters)
    stays: np.ndarray = pace <= 4 * np.finfo(float).eps * column_norms(parameters)
    open_ = np.flatnonzero(~stays & (slope > 0) & np.isfinite(slope) & np.isfinite(pace))
    if not follows_size or not open_.size:
        return stays
    moving = parameters if trained.all() else parameters[trained]
    among = _restricted(gradients, parameters, trained)
    steps = pace[open_] / slope[open_] * max_steps[open_]
    with np.errstate(divide="ignore"):
        least, enough = -GROWTH / (steps * AHEAD), 1 / steps
    if len(moving) > MAX_EXACT:
        there = moving[:, open_]
        lowest, highest = extreme_curvatures(among, there, open_, least, matrices)
        stays[open_] = (lowest >= least) & (highest >= enough)
        return stays
    told = None
    if bounds is not None:
        told = bounds(np.take(parameters, open_, axis=1), open_, least, enough)
    there = np.take(moving, open_, axis=1)
    stays[open_] = are_bounded(among, there, open_, least, enough, told)
    return stays


def _restricted(gradients: Gradients, parameters: np.ndarray, trained: np.ndarray) -> Gradients:
    """Return the gradients as a function of the parameters that can move, and by these alone."""
    if trained.all():
        return gradients

    def among(moving: np.ndarray, which: np.ndarray) -> np.ndarray:
        there = parameters[:, which]
        there[trained] = moving
        return np.asarray(gradients(there, which)[trained])

    return among
