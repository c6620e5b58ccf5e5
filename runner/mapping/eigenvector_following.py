"""Searches for critical points of a chosen index on many surfaces at once.

Eigenvector following: along each eigenvector of the exact Hessian a step goes uphill or downhill as
the wanted index says, not as the curvature here does (Cerjan and Miller 1981; Wales 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import Spectrum, length, spectrum
from runner.mapping.options import MapOptions
from runner.network.column_products import column_norms

ANY = -1
"""In place of an index: Newton's method, which keeps the index that it comes across."""

ARRIVED, LEFT, UNFINISHED = "arrived", "left", "unfinished"
"""How a search or a path ends: at a critical point, beyond reach, or out of steps."""

_FLAT_GRADIENT = 1e-13  # share of the largest eigenvalue: what rounding leaves of a gradient
_RIGHT, _WRONG = 0.25, 0.75  # errors of the quadratic model's gradient, relative to the last one
_APPROACH = 1e-3  # the step before the last one must be shorter; along an exponential it is 0.6
_ROUNDING = 1e-12  # a gradient below which steps that are longer than that lead nowhere


@dataclass(frozen=True)
class Ends:
    """Where n searches or paths ended."""

    weights: np.ndarray
    """(n_parameters, n)."""
    status: np.ndarray
    """(n,) of `ARRIVED`, `LEFT` and `UNFINISHED`, dtype object."""
    loss: np.ndarray
    """(n,)."""
    gradient_norm: np.ndarray
    """(n,): largest absolute component."""
    eigenvalues: np.ndarray
    """(n, n_parameters), rising."""
    index: np.ndarray
    """(n,) int: eigenvalues below the tolerance."""
    null_directions: np.ndarray
    """(n,) int: eigenvalues within the tolerance of 0."""


def follow(
    surface: LossSurface,
    starts: np.ndarray,
    index: np.ndarray,
    options: MapOptions,
    coercive: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Search for a critical point of a wanted index from each start.

    Parameters
    ----------
    surface : LossSurface
    starts : ndarray, shape (n_parameters, n), float64, finite
    index : ndarray of int, shape (n,)
        Wanted, or `ANY`. A search may arrive at another one, where a symmetry of its start hides a
        direction from the gradient.
    options : MapOptions
    coercive : bool
        Whether the loss grows without bound in all directions, as with an L2 term. If not, a search
        must approach where it arrives: on a slope that falls for ever the gradient vanishes too, in
        rounding errors, but the steps keep their length.

    Returns
    -------
    weights : ndarray, shape (n_parameters, n)
    status : ndarray of str, shape (n,)
        See `Ends`.

    Notes
    -----
    The step after one at whose end the gradient is far from the quadratic model's is half as long
    at most, and may grow again where the model is right: else many searches only jump about.
    """
    weights = starts.copy()
    status = np.full(len(surface), UNFINISHED, object)
    before = np.full(len(surface), np.inf)  # length of the last step
    active = np.arange(len(surface))
    trust = np.full(len(surface), options.longest_step)  # relative length of the next step, at most
    moved = np.zeros(len(surface))  # relative length of the last step that was taken
    slope, expected = np.full(len(surface), np.inf), np.zeros_like(weights)
    for _ in range(options.search_steps):
        if not active.size:
            break
        here, at = surface[active], weights[:, active]
        gradient = here.values(at).gradient
        error = column_norms(gradient - expected[:, active]) / np.maximum(slope[active], 1e-300)
        longer = np.minimum(np.maximum(trust[active], 2 * moved[active]), options.longest_step)
        trust[active] = np.select(
            [error > _WRONG, error < _RIGHT], [0.5 * moved[active], longer], trust[active]
        )
        found = spectrum(here, at, options.null_tolerance)
        step = _step(found, gradient, index[active])
        size = column_norms(step)
        scale = length(at)
        step *= np.minimum(1.0, trust[active] * scale / np.maximum(size, 1e-300))
        weights[:, active] = at + step
        moved[active] = column_norms(step) / scale
        slope[active] = column_norms(gradient)
        expected[:, active] = gradient + found.times(step)
        at_rest = size <= options.step_tolerance * scale
        lost = ~np.isfinite(size) | (np.abs(at).max(axis=0) > options.reach)
        if not coercive:
            lost |= at_rest & (before[active] > _APPROACH)
            lost |= (np.abs(gradient).max(axis=0) <= _ROUNDING) & (size > _APPROACH)
        status[active[at_rest & ~lost]] = ARRIVED
        status[active[lost]] = LEFT
        before[active] = size
        active = active[~at_rest & ~lost]
    return weights, status


def flat_directions(found: Spectrum, along: np.ndarray) -> np.ndarray:
    """Eigenvectors without curvature along which a gradient (n, n_trained) is rounding errors."""
    return np.asarray(found.null & (np.abs(along) <= _FLAT_GRADIENT * found.scale[:, None]))


def _step(found: Spectrum, gradient: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Step (n_parameters, n): along every eigenvector Newton's, but bounded and signed.

    Notes
    -----
    With g along an eigenvector of eigenvalue e, 2 g / (|e| (1 + sqrt(1 + 4 g² / e²))): Newton's
    step where g is small, and 1 at most (Wales 1994, J. Chem. Phys. 101:3750).
    """
    along = found.along(gradient)
    curvature = np.abs(found.values)
    with np.errstate(invalid="ignore"):
        reach = curvature + np.sqrt(curvature**2 + 4 * along**2)
        flat = flat_directions(found, along)
    size = np.divide(2 * along, reach, out=np.zeros_like(along), where=~flat & (reach > 0))
    size[~np.isfinite(found.values).all(axis=1)] = np.nan
    place = np.arange(along.shape[1])
    uphill = np.where(index[:, None] == ANY, found.values < 0, place < index[:, None])
    return found.combined(np.where(uphill, size, -size))


def inspect(
    surface: LossSurface, weights: np.ndarray, status: np.ndarray, options: MapOptions
) -> Ends:
    """Return loss, gradient and spectrum where n searches or paths ended.

    Parameters
    ----------
    surface : LossSurface
        Of as many endpoints.
    weights : ndarray, shape (n_parameters, n), float64
    status : ndarray, shape (n,), int
        The spectrum is computed where it is `ARRIVED`.
    options : MapOptions
    """
    n_parameters, n = weights.shape
    eigenvalues = np.full((n, n_parameters), np.nan)
    loss, norm = np.full(n, np.nan), np.full(n, np.nan)
    index, null = np.zeros(n, np.int64), np.zeros(n, np.int64)
    if n:
        values = surface.values(weights)
        loss[:], norm[:] = values.loss, np.abs(values.gradient).max(axis=0)
    arrived = np.flatnonzero(status == ARRIVED)
    if arrived.size:
        found = spectrum(surface[arrived], weights[:, arrived], options.null_tolerance)
        eigenvalues[arrived] = found.values
        index[arrived], null[arrived] = found.index, found.null_directions
    return Ends(weights, status, loss, norm, eigenvalues, index, null)
