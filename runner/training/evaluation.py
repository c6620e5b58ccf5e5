"""Evaluating all restarts, as many at a time as a compiled function takes."""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled, Evaluation
from runner.training.curvature_bounds import Told
from runner.training.hessians import Gradients, Matrices
from runner.training.restarts import Restarts
from runner.training.stability import BoundsOf


def evaluate(compiled: Compiled, state: np.ndarray, restarts: Restarts) -> Evaluation:
    """Evaluate packed states (n_rows, n) of all restarts in float64."""
    return evaluate_columns(compiled, state, restarts.hyper, restarts.all_targets)


def gradients_of(
    compiled: Compiled, state: np.ndarray, hyper: np.ndarray, targets: np.ndarray
) -> Gradients:
    """Return a function that gives restarts' gradients at other parameters than their own.

    Parameters
    ----------
    compiled : Compiled
    state, hyper, targets : ndarray, shapes (n_rows, n), (len(HYPERPARAMETERS), n), (n_targets, n)
        The n restarts.
    """
    n = compiled.signature.architecture.n_parameters
    kept: tuple[np.ndarray, list[np.ndarray]] | None = None

    def gathered(which: np.ndarray) -> list[np.ndarray]:
        """Columns in float64; kept, as gradients are asked for in pairs."""
        nonlocal kept
        if kept is None or not np.array_equal(which, kept[0]):
            # vector code looks at the parameters of a state alone
            arrays = (state[:0] if compiled.look else state, hyper, targets)
            kept = which, _taken(which, *arrays)
        return kept[1]

    def gradients(parameters: np.ndarray, which: np.ndarray) -> np.ndarray:
        there, *fixed = gathered(which)
        there = np.concatenate([parameters, there[n:]]) if len(there) > n else parameters
        return _gradients(compiled, there, *fixed)

    return gradients


def bounds_of(compiled: Compiled, hyper: np.ndarray, targets: np.ndarray) -> BoundsOf | None:
    """Return what bounds the curvature of restarts at other parameters; None for NumPy.

    Parameters
    ----------
    compiled : Compiled
    hyper, targets : ndarray, shapes (len(HYPERPARAMETERS), n) and (n_targets, n)
        The n restarts.
    """
    compiled_bounds = compiled.bounds
    if compiled_bounds is None:
        return None

    def bounds(
        parameters: np.ndarray, which: np.ndarray, least: np.ndarray, enough: np.ndarray
    ) -> Told:
        return compiled_bounds(parameters, *_taken(which, hyper, targets), least, enough)

    return bounds


def matrices_of(
    compiled: Compiled, parameters: np.ndarray, hyper: np.ndarray, targets: np.ndarray
) -> Matrices | None:
    """Return what runs Lanczos' method at restarts' endpoints; None for NumPy.

    Parameters
    ----------
    compiled : Compiled
    parameters : ndarray, shape (n_parameters, n), float64
    hyper, targets : ndarray
        As for `evaluate_columns`: the restarts.
    """
    lanczos = compiled.lanczos
    if lanczos is None:
        return None

    def matrices(
        which: np.ndarray, begin: np.ndarray, least: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        fixed = _taken(which, parameters, hyper, targets)
        return lanczos(*fixed, np.repeat(begin[:, np.newaxis], which.size, axis=1), least)

    return matrices


def losses_of_columns(
    compiled: Compiled, state: np.ndarray, hyper: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """Return the loss (n,) of `evaluate_columns` alone."""
    if compiled.losses is None:
        return evaluate_columns(compiled, state, hyper, targets).loss
    return compiled.losses(state, *_in_float64(hyper, targets))


def _gradients(
    compiled: Compiled, state: np.ndarray, hyper: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """Return the gradient (n_parameters, n) of `evaluate_columns` alone."""
    if compiled.look is None:
        return evaluate_columns(compiled, state, hyper, targets).gradient
    return compiled.look(*_in_float64(state, hyper, targets))[1]


def _taken(which: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """Return some columns of arrays, in float64."""
    return _in_float64(*(np.take(array, which, axis=1) for array in arrays))


def _in_float64(*arrays: np.ndarray) -> list[np.ndarray]:
    return [array.astype(np.float64, copy=False) for array in arrays]


def evaluate_columns(
    compiled: Compiled, state: np.ndarray, hyper: np.ndarray, targets: np.ndarray
) -> Evaluation:
    """Evaluate columns of states, hyperparameters and targets, as many at a time as a call takes.

    Parameters
    ----------
    compiled : Compiled
    state : ndarray, shape (n_rows, n)
    hyper : ndarray, shape (len(HYPERPARAMETERS), n)
    targets : ndarray, shape (n_targets, n)

    Returns
    -------
    Evaluation
        Of n restarts, in float64.
    """
    arrays = _in_float64(state, hyper, targets)
    if compiled.any_lanes:
        return compiled.evaluate(*arrays)
    n, n_lanes = state.shape[1], compiled.signature.n_lanes
    parts: list[list[np.ndarray]] = []
    for start in range(0, n, n_lanes):
        lanes = np.arange(start, min(start + n_lanes, n))
        padded = np.pad(lanes, (0, n_lanes - lanes.size), mode="edge")
        seen = compiled.evaluate(*(np.ascontiguousarray(array[:, padded]) for array in arrays))
        parts.append([np.asarray(a)[..., : lanes.size] for a in vars(seen).values()])
    return Evaluation(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))
