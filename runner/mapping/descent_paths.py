"""Paths of steepest descent on many surfaces at once.

A path solves dx/dt = -gradient. On the local quadratic model, with the exact Hessian, that is known
in closed form; at the end of a valley it becomes Newton's step (Page and McIver 1988). What the
gradient at a step's end differs from the model's corrects the step to the third order
(exponential Rosenbrock method, Hochbruck, Ostermann and Schweitzer 2009). By how much says how
long a step may be: in a stiff valley the walls push back at once what the model has missed, and
only the rest of it counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import Spectrum, length, spectrum
from runner.mapping.eigenvector_following import ARRIVED, LEFT, UNFINISHED, flat_directions
from runner.mapping.options import MapOptions
from runner.mapping.path_stations import StationRecorder
from runner.network.column_products import column_norms

_TRIES = 80  # for the time that a step of a given length takes; a few do
_SAME_LENGTH = 1e-10  # relative
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
    A step is accepted if it is corrected by at most ``path_tolerance`` of its length, and tried
    again, shorter, otherwise. A path that begins in a subspace that a symmetry leaves alone stays
    there, and may end at a saddle.
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
        step, predicted, duration = model_step(found, gradient, reach[active] * scale)
        size = column_norms(step)
        missed = here.values(at + step).gradient - predicted
        change = correction(found, missed, duration)
        error = column_norms(change) / np.maximum(size, 1e-300)
        short = size <= options.step_tolerance * scale
        at_rest = short & (size < 0.5 * reach[active] * scale)
        accepted = at_rest | (error <= options.path_tolerance)
        growth = 0.9 * np.sqrt(options.path_tolerance / np.maximum(error, 1e-300))
        reach[active] = np.minimum(size / scale * np.clip(growth, 0.2, 2.0), options.longest_step)
        # at rest there is nothing to correct but rounding
        step = np.where(at_rest, step, step + change)
        weights[:, active[accepted]] = (at + step)[:, accepted]
        travelled[active[accepted]] += column_norms(step)[accepted]
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
        here, moves = surface[active], np.flatnonzero(accepted[going])
        gradient = gradient[:, going]
        gradient[:, moves] = here[moves].values(weights[:, active[moves]]).gradient
        found = _renewed(found, going, moves, here, weights[:, active], options)
    return Descent(weights, status, travelled, stations)


def _renewed(
    found: Spectrum,
    going: np.ndarray,
    moved: np.ndarray,
    surface: LossSurface,
    weights: np.ndarray,
    options: MapOptions,
) -> Spectrum:
    """Spectra of the paths that go on: new ones for those that have moved."""
    values, vectors = found.values[going], found.vectors[going]
    if moved.size:
        new = spectrum(surface[moved], weights[:, moved], options.null_tolerance)
        values[moved], vectors[moved] = new.values, new.vectors
    return Spectrum(values, vectors, options.null_tolerance)


def model_step(
    found: Spectrum, gradient: np.ndarray, longest: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
    duration : ndarray, shape (n,)
        How long it takes.
    """
    along = found.along(gradient)
    duration = _duration(found, along, longest)
    shift, left = _moved(found.values, along, duration)
    return found.combined(shift), found.combined(left), duration


def correction(found: Spectrum, missed: np.ndarray, duration: np.ndarray) -> np.ndarray:
    """Correct steps (n_parameters, n) for what the model has missed of the gradient at their ends.

    Parameters
    ----------
    found : Spectrum
        Of the model's Hessian.
    missed : ndarray, shape (n_parameters, n)
        Gradient at the end of a step less the model's.
    duration : ndarray, shape (n,)
        How long the step takes.

    Returns
    -------
    ndarray, shape (n_parameters, n)
        As if what was missed had grown with the square of the time.
    """
    along = found.along(missed)
    along[flat_directions(found, along)] = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        parts = -2 * duration[:, None] * _phi3(-found.values * duration[:, None]) * along
    return found.combined(np.where(along == 0, 0.0, parts))  # a direction without end has no part


def _phi3(z: np.ndarray) -> np.ndarray:
    """(exp(z) - 1 - z - z² / 2) / z³, of which 1/6 is left at 0."""
    small = np.abs(z) < 0.5
    near = np.where(small, z, 0.0)
    series = np.ones_like(z)
    for k in range(14, 3, -1):
        series = 1 + near / k * series
    far = np.where(small, 1.0, np.minimum(z, _ENDLESS))
    return np.where(small, series / 6, (np.expm1(far) - far - far**2 / 2) / far**3)


def _duration(found: Spectrum, along: np.ndarray, longest: np.ndarray) -> np.ndarray:
    """How long (n,) the model's steepest descent takes for a distance; very long if it ends before.

    Newton's method for the logarithms, kept between bounds, as the distance grows with time.
    """
    scale = np.maximum(found.scale, 1e-300)
    low, high = np.log(1e-12 / scale), np.log(1e18 / scale)
    ratio, _ = _distance(found.values, along, high, longest)
    found_yet = ~(ratio > 0)
    slowest = np.log(longest) - np.log(np.maximum(np.linalg.norm(along, axis=1), 1e-300))
    at = np.where(found_yet, high, np.clip(slowest, low, high))
    for _ in range(_TRIES):
        if found_yet.all():
            break
        ratio, slope = _distance(found.values, along, at, longest)
        far = ratio > 0
        found_yet |= np.abs(ratio) <= _SAME_LENGTH
        high, low = np.where(far, at, high), np.where(far, low, at)
        with np.errstate(all="ignore"):  # where the slope has overflowed
            new = at - ratio / slope
        inside = (new > low) & (new < high)
        at = np.where(found_yet, at, np.where(inside, new, 0.5 * (low + high)))
    return np.asarray(np.exp(at))


def _distance(
    values: np.ndarray, along: np.ndarray, log_time: np.ndarray, longest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm (n,) of the distance over the longest one, and its slope in that of the time."""
    with np.errstate(all="ignore"):  # infinite is far, too
        shift, left = _moved(values, along, np.exp(log_time))
        square = (shift * shift).sum(axis=1)
        slope = -np.exp(log_time) * (shift * left).sum(axis=1) / square
        return 0.5 * np.log(square) - np.log(longest), slope


def _moved(
    values: np.ndarray, along: np.ndarray, duration: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shift (n, n_parameters) along each eigenvector after a time, and the gradient there."""
    time = duration[:, None]
    exponent = -values * time
    straight = np.abs(exponent) < 1e-8
    grown = np.expm1(np.minimum(exponent, _ENDLESS))
    factor = np.where(straight, -time, grown / np.where(straight, 1.0, values))
    return along * factor, along * np.exp(np.minimum(exponent, _ENDLESS))
