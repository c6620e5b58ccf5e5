"""Paths of steepest descent on many surfaces at once.

A path solves dx/dt = -gradient. On the local quadratic model, with the exact Hessian, that is known
in closed form, so that a step is as long as the model is right, also where valleys are stiff; at
the end of a valley it becomes Newton's step (Page and McIver 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import Spectrum, length, spectrum
from runner.mapping.eigenvector_following import ARRIVED, LEFT, UNFINISHED
from runner.mapping.options import MapOptions
from runner.mapping.stations import StationRecorder
from runner.network.column_products import column_norms

_BISECTIONS = 60  # of the time that a step of a given length takes
_ENDLESS = 700.0  # exponent beyond which float64 overflows


@dataclass(frozen=True)
class Descent:
    """Where n paths of steepest descent led."""

    weights: np.ndarray
    """(n_parameters, n)."""
    status: np.ndarray
    """(n,) of `ARRIVED`, `LEFT` and `UNFINISHED`, dtype object."""
    path_length: np.ndarray
    """(n,): sum of the steps' Euclidean lengths."""
    stations: StationRecorder
    """Some of the points between the starts and the ends."""


def descend(surface: LossSurface, starts: np.ndarray, options: MapOptions) -> Descent:
    """Follow the gradient down from each start to a critical point.

    Parameters
    ----------
    surface : LossSurface
    starts : ndarray, shape (n_parameters, n), float64, finite
    options : MapOptions

    Notes
    -----
    A step is accepted if the gradient at its end is the model's, up to ``path_tolerance`` of the
    gradient at its beginning, and tried again, shorter, otherwise. A path that begins in
    a subspace that a symmetry leaves alone stays there, and may end at a saddle.
    """
    n = len(surface)
    weights, travelled = starts.copy(), np.zeros(n)
    stations = StationRecorder(len(starts), n, options.stations)
    status = np.full(n, UNFINISHED, object)
    reach = np.full(n, 0.01)  # longest next step, relative
    active = np.arange(n)
    here = surface
    gradient = here.values(weights).gradient
    found = spectrum(here, weights, options.null_tolerance)
    for _ in range(options.path_steps):
        at, scale = weights[:, active], length(weights[:, active])
        step, predicted = model_step(found, gradient, reach[active] * scale)
        size = column_norms(step)
        ahead = here.values(at + step).gradient
        slope = column_norms(gradient)
        error = column_norms(ahead - predicted) / np.maximum(slope, 1e-300)
        short = size <= options.step_tolerance * scale
        at_rest = short & (size < 0.5 * reach[active] * scale)
        accepted = at_rest | (error <= options.path_tolerance)
        growth = 0.9 * np.sqrt(options.path_tolerance / np.maximum(error, 1e-300))
        reach[active] = np.minimum(size / scale * np.clip(growth, 0.2, 2.0), options.longest_step)
        weights[:, active[accepted]] = (at + step)[:, accepted]
        travelled[active[accepted]] += size[accepted]
        moved = active[accepted & ~at_rest]
        stations.add(moved, weights[:, moved], travelled[moved])
        lost = ~np.isfinite(size) | ~np.isfinite(error)
        lost |= np.abs(weights[:, active]).max(axis=0) > options.reach
        status[active[at_rest & ~lost]] = ARRIVED
        status[active[lost]] = LEFT
        # a step that is short because the model is never right: rounding has taken over
        going = ~short & ~lost
        active = active[going]
        if not active.size:
            break
        here = surface[active]
        gradient = np.where(accepted, ahead, gradient)[:, going]
        found = _renewed(found, going, accepted, here, weights[:, active], options)
    return Descent(weights, status, travelled, stations)


def _renewed(
    found: Spectrum,
    going: np.ndarray,
    accepted: np.ndarray,
    surface: LossSurface,
    weights: np.ndarray,
    options: MapOptions,
) -> Spectrum:
    """Spectra of the paths that go on: new ones for those that have moved."""
    values, vectors = found.values[going], found.vectors[going]
    moved = np.flatnonzero(accepted[going])
    if moved.size:
        new = spectrum(surface[moved], weights[:, moved], options.null_tolerance)
        values[moved], vectors[moved] = new.values, new.vectors
    return Spectrum(values, vectors, options.null_tolerance)


def model_step(
    found: Spectrum, gradient: np.ndarray, longest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the quadratic model's steepest descent for a distance, or to its end.

    Parameters
    ----------
    found : Spectrum
        Of the model's Hessian.
    gradient : ndarray, shape (n_parameters, n)
    longest : ndarray, shape (n,)
        Distance from the beginning, as the crow flies.

    Returns
    -------
    step, predicted : ndarray, shape (n_parameters, n)
        The step, and the model's gradient at its end.
    """
    along = found.along(gradient)
    scale = np.maximum(found.scale, 1e-300)
    low, high = np.log(1e-12 / scale), np.log(1e18 / scale)
    for _ in range(_BISECTIONS):  # the distance grows with time
        middle = 0.5 * (low + high)
        with np.errstate(over="ignore"):  # infinite is far, too
            far = np.linalg.norm(_moved(found.values, along, middle), axis=1) > longest
        high, low = np.where(far, middle, high), np.where(far, low, middle)
    shift = _moved(found.values, along, low)
    left = along * np.exp(np.minimum(-found.values * np.exp(low)[:, None], _ENDLESS))
    return found.combined(shift), found.combined(left)


def _moved(values: np.ndarray, along: np.ndarray, log_time: np.ndarray) -> np.ndarray:
    """Shift (n, n_parameters) along each eigenvector after a time."""
    time = np.exp(log_time)[:, None]
    exponent = values * time
    straight = np.abs(exponent) < 1e-8
    grown = -np.expm1(-np.maximum(exponent, -_ENDLESS))
    factor = np.divide(
        grown, values, out=np.broadcast_to(time, values.shape).copy(), where=~straight
    )
    return np.asarray(-along * factor)
