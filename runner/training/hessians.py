"""Hessians of the loss at endpoints, from differences of the gradient that is compiled anyway."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from runner.engines.base import DIFFERENCE, LANCZOS_STEPS, MAX_EXACT
from runner.training.lanczos_vectors import LanczosVectors

Gradients: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``gradients(parameters, which)``: float64 gradients (n_parameters, k) at parameters
(n_parameters, k), with the hyperparameters and targets of endpoints ``which`` (k,) int."""

Matrices: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``matrices(which, begin, least)``: Lanczos' matrices of endpoints ``which`` (k,) int and the
steps made, as `runner.engines.base.Compiled.lanczos` returns them."""

_LANES = 4096  # evaluated in one call, about
_ROUNDING = 1e-12  # of eigenvalues, relative to the largest
_SEED = 0x73746162  # of the vector that Lanczos begins with


def extreme_curvatures(
    gradients: Gradients,
    parameters: np.ndarray,
    which: np.ndarray,
    least: np.ndarray | None = None,
    matrices: Matrices | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest eigenvalue of the loss's Hessian.

    Parameters
    ----------
    gradients : Gradients
    parameters : ndarray, shape (n_parameters, k), float64
    which : ndarray, shape (k,), int
        The endpoints that they are of.
    least : ndarray, shape (k,), optional
        Where the lowest one is known to be below this, nothing further is computed.
    matrices : Matrices, optional
        Compiled, in place of the gradients where these would be taken for Lanczos' method.

    Returns
    -------
    lowest, highest : ndarray, shape (k,), float64
        Up to `MAX_EXACT` parameters of the whole Hessian, by central differences of the gradient;
        beyond that the Ritz values of Lanczos' method with full reorthogonalisation, which lie
        inside the true ones. Where the lowest one is below ``least``, both may be those of fewer
        steps: below it, too, and inside those of all steps.
    """
    n = len(parameters)
    size = max(1, _LANES // (2 * n) if n <= MAX_EXACT else _LANES // 2)
    found = np.empty((2, len(which)))
    for first in range(0, len(which), size):
        part = slice(first, first + size)
        there, whose = parameters[:, part], which[part]
        if n <= MAX_EXACT:
            found[:, part] = _exact(gradients, there, whose)
        else:
            bound = np.full(len(whose), -np.inf) if least is None else least[part]
            found[:, part] = _lanczos(gradients, there, whose, bound, matrices)
    return found[0], found[1]


def hessian_columns(
    gradients: Gradients, parameters: np.ndarray, column: int, which: np.ndarray
) -> np.ndarray:
    """Return one column of each Hessian, as `hessian_products` does with that direction.

    To the bit, but for parameters of -0.0: they are left as they are, where a sum makes them 0.0.

    Parameters
    ----------
    gradients : Gradients
    parameters : ndarray, shape (n_parameters, k), float64
    column : int
    which : ndarray, shape (k,), int
        The endpoints that they are of.

    Returns
    -------
    ndarray, shape (n_parameters, k), float64
    """
    size = _difference(parameters)
    there = parameters.copy()
    there[column] = parameters[column] + size
    ahead = gradients(there, which)
    there[column] = parameters[column] - size
    columns = ahead - gradients(there, which)
    columns /= 2 * size
    return columns


def _difference(parameters: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.abs(parameters).max(axis=0), 1.0) * DIFFERENCE)


def _exact(gradients: Gradients, parameters: np.ndarray, which: np.ndarray) -> np.ndarray:
    n, k = parameters.shape
    directions = np.repeat(np.eye(n)[:, :, np.newaxis], k, axis=2)  # (parameter, direction, k)
    products = hessian_products(
        gradients,
        np.repeat(parameters[:, np.newaxis], n, axis=1).reshape(n, n * k),
        directions.reshape(n, n * k),
        np.tile(which, n),
    )
    hessians = np.moveaxis(products.reshape(n, n, k), 2, 0)
    return _ends((hessians + hessians.transpose(0, 2, 1)) / 2)


def _lanczos(
    gradients: Gradients,
    parameters: np.ndarray,
    which: np.ndarray,
    least: np.ndarray,
    matrices: Matrices | None,
) -> np.ndarray:
    """Return the ends of Ritz values (2, k), of all steps or until one is below ``least``.

    A step's matrix is the upper left part of the next one's, so its lowest eigenvalue can only fall
    from step to step: an endpoint that is below leaves.
    """
    begin = np.asarray(np.random.Generator(np.random.Philox(_SEED)).normal(size=len(parameters)))
    begin = begin / np.linalg.norm(begin)
    if matrices is None:
        return _step_by_step(gradients, parameters, which, least, begin)
    upper, steps = matrices(which, begin, least)
    found, unsure = np.empty((2, len(which))), np.zeros(len(which), bool)
    for count in np.unique(steps):
        here = np.flatnonzero(steps == count)
        column, row = np.tril_indices(count)
        matrix = np.zeros((here.size, count, count))
        matrix[:, row, column] = upper[: len(row), here].T
        ends = found[:, here] = _ends(_mirrored(matrix))
        if count < min(LANCZOS_STEPS, len(parameters)):
            unsure[here] = ~_are_below(ends, least[here])
    left = np.flatnonzero(unsure)
    if left.size:  # whose pivots rounding has decided
        found[:, left] = _step_by_step(
            gradients, parameters[:, left], which[left], least[left], begin
        )
    return found


def _are_below(ends: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Whether the lower ones of ends of spectra (2, k) are below bounds (k,), beyond rounding."""
    return np.asarray(ends[0] + _ROUNDING * np.abs(ends).max(axis=0) < least)


def _step_by_step(
    gradients: Gradients,
    parameters: np.ndarray,
    which: np.ndarray,
    least: np.ndarray,
    begin: np.ndarray,
) -> np.ndarray:
    """Return what `_lanczos` does, from the gradients."""
    n, k = parameters.shape
    n_steps = min(LANCZOS_STEPS, n)
    found, left = np.full((2, k), np.nan), np.arange(k)
    vectors = LanczosVectors(begin, k)  # of those that are left
    matrix = np.zeros((k, n_steps, n_steps))  # of all
    pivot, beside = np.zeros(k), np.zeros(k)
    for step in range(n_steps):
        product = hessian_products(gradients, parameters, vectors.last, which)
        along, length = vectors.add(product)
        matrix[left, : step + 1, step] = along.T
        # of the matrix less the bound, as it would be without rounding
        with np.errstate(all="ignore"):
            taken = beside**2 / pivot if step else beside
            pivot, beside = along[step] - least - taken, length
        below = np.zeros(left.size, bool)
        asked = np.flatnonzero(~(pivot > 0) & (least > -np.inf))
        if asked.size and step + 1 < n_steps:
            ends = _ends(_mirrored(matrix[left[asked], : step + 1, : step + 1]))
            sure = _are_below(ends, least[asked])
            found[:, left[asked[sure]]] = ends[:, sure]
            below[asked[sure]] = True
        if below.any():
            on = np.flatnonzero(~below)
            if not on.size:
                return found
            left, which, least = left[on], which[on], least[on]
            pivot, beside = pivot[on], beside[on]
            parameters = np.take(parameters, on, axis=1)
            vectors.keep(on)
    found[:, left] = _ends(_mirrored(matrix[left]))
    return found


def _mirrored(matrices: np.ndarray) -> np.ndarray:
    """Symmetric matrices, by the upper triangles of some."""
    return np.asarray(np.triu(matrices) + np.triu(matrices, 1).transpose(0, 2, 1))


def hessian_products(
    gradients: Gradients, parameters: np.ndarray, directions: np.ndarray, which: np.ndarray
) -> np.ndarray:
    """Return the Hessians' products with a direction each, by central differences.

    Parameters
    ----------
    gradients : Gradients
    parameters, directions : ndarray, shape (n_parameters, k), float64
    which : ndarray, shape (k,), int
        The endpoints that they are of.

    Returns
    -------
    ndarray, shape (n_parameters, k), float64
    """
    size = _difference(parameters)
    size = size / np.maximum(np.abs(directions).max(axis=0), np.finfo(float).tiny)
    ahead = gradients(parameters + size * directions, which)
    products = ahead - gradients(parameters - size * directions, which)
    products /= 2 * size
    return np.asarray(products)


def _ends(matrices: np.ndarray) -> np.ndarray:
    """Smallest and largest eigenvalues (2, k) of symmetric matrices (k, m, m), else nan."""
    finite = np.isfinite(matrices).all(axis=(1, 2))
    found = np.full((2, len(matrices)), np.nan)
    if finite.any():
        values = np.linalg.eigvalsh(matrices[finite])
        found[:, finite] = values[:, 0], values[:, -1]
    return found
