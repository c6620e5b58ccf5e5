"""Would a restart that looks stuck stay where it is? What its curvature says of more steps.

Near a saddle the loss hardly falls and the gradient is small, so a restart that is about to leave
looks as one that never will. What tells them apart is the surface: along the direction of the most
negative curvature the distance from the saddle grows by exp(rate * curvature) a step, so the
forecast needs no training. It is made for the few endpoints that look stuck, from differences of
the gradient that is compiled anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Gradients: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``gradients(parameters, which)``: float64 gradients (n_parameters, k) at parameters
(n_parameters, k), with the settings and targets of endpoints ``which`` (k,) int."""

AHEAD = 10
"""A restart called stuck is so in this many times its step budget."""

GROWTH = 0.3
"""Largest exponent by which the most unstable direction may grow in that time. Growth by a factor
e begins to be seen; a third of the exponent is room for a curvature that changes on the way."""

MAX_EXACT = 24
"""Parameters up to which all eigenvalues are computed; beyond, `_LANCZOS` steps find the ends."""

_LANCZOS = 32
_LANES = 4096  # evaluated in one call, about
_DIFFERENCE = 6e-6  # of a parameter, relative to the largest: eps ** (1/3)
_SEED = 0x73746162  # of the vector that Lanczos begins with


def will_stay(
    parameters: np.ndarray,
    moved: np.ndarray,
    gradient: np.ndarray,
    max_steps: np.ndarray,
    follows_size: bool,
    gradients: Gradients,
    trained: np.ndarray,
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
    lowest, highest = extreme_curvatures(among, moving[:, open_], open_)
    steps = pace[open_] / slope[open_] * max_steps[open_]
    stays[open_] = (steps * AHEAD * lowest >= -GROWTH) & (steps * highest >= 1)
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


def extreme_curvatures(
    gradients: Gradients, parameters: np.ndarray, which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest eigenvalue of the loss's Hessian.

    Parameters
    ----------
    gradients : Gradients
    parameters : ndarray, shape (n_parameters, k), float64
    which : ndarray, shape (k,), int
        The endpoints that they are of.

    Returns
    -------
    lowest, highest : ndarray, shape (k,), float64
        Up to `MAX_EXACT` parameters of the whole Hessian, by central differences of the gradient;
        beyond that the Ritz values of Lanczos' method with full reorthogonalisation, which lie
        inside the true ones.
    """
    n = len(parameters)
    find = _exact if n <= MAX_EXACT else _lanczos
    size = max(1, _LANES // (2 * n) if n <= MAX_EXACT else _LANES // 2)
    found = np.empty((2, len(which)))
    for first in range(0, len(which), size):
        part = slice(first, first + size)
        found[:, part] = find(gradients, parameters[:, part], which[part])
    return found[0], found[1]


def _exact(gradients: Gradients, parameters: np.ndarray, which: np.ndarray) -> np.ndarray:
    n, k = parameters.shape
    directions = np.repeat(np.eye(n)[:, :, np.newaxis], k, axis=2)  # (parameter, direction, k)
    products = _products(
        gradients,
        np.repeat(parameters[:, np.newaxis], n, axis=1).reshape(n, n * k),
        directions.reshape(n, n * k),
        np.tile(which, n),
    )
    hessians = np.moveaxis(products.reshape(n, n, k), 2, 0)
    return _ends((hessians + hessians.transpose(0, 2, 1)) / 2)


def _lanczos(gradients: Gradients, parameters: np.ndarray, which: np.ndarray) -> np.ndarray:
    n, k = parameters.shape
    begin = np.random.Generator(np.random.Philox(_SEED)).normal(size=(n, 1))
    vectors = np.zeros((min(_LANCZOS, n), n, k))
    vectors[0] = begin / np.linalg.norm(begin)
    matrix = np.zeros((k, len(vectors), len(vectors)))
    for step, vector in enumerate(vectors):
        product = _products(gradients, parameters, vector, which)
        # against rounding twice, so that no eigenvalue is found a second time
        for _ in range(2):
            for number, earlier in enumerate(vectors[: step + 1]):
                along = _dots(earlier, product)
                matrix[:, number, step] += along
                product = product - along * earlier
        length = column_norms(product)
        if step + 1 < len(vectors):
            vectors[step + 1] = product / np.where(length > 0, length, 1.0)
    upper = np.triu(matrix)
    return _ends(upper + np.triu(matrix, 1).transpose(0, 2, 1))


def _products(
    gradients: Gradients, parameters: np.ndarray, directions: np.ndarray, which: np.ndarray
) -> np.ndarray:
    """Products of the Hessian with a direction for each column, by central differences."""
    size = np.maximum(np.abs(parameters).max(axis=0), 1.0) * _DIFFERENCE
    size = size / np.maximum(np.abs(directions).max(axis=0), np.finfo(float).tiny)
    ahead = gradients(parameters + size * directions, which)
    behind = gradients(parameters - size * directions, which)
    return np.asarray((ahead - behind) / (2 * size))


def _ends(matrices: np.ndarray) -> np.ndarray:
    """Smallest and largest eigenvalues (2, k) of symmetric matrices (k, m, m), else nan."""
    finite = np.isfinite(matrices).all(axis=(1, 2))
    found = np.full((2, len(matrices)), np.nan)
    if finite.any():
        values = np.linalg.eigvalsh(matrices[finite])
        found[:, finite] = values[:, 0], values[:, -1]
    return found


def column_norms(values: np.ndarray) -> np.ndarray:
    """Euclidean norms of the columns of (rows, n), of each as if it were one of many.

    NumPy adds the rows of a matrix one after the other, but the numbers of a single column in
    pairs: a restart in a batch of its own would get other last bits than among others.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(_dots(values, values)))


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot products of the columns of two matrices; see `column_norms`."""
    products = a * b
    if products.shape[1] == 1:
        return np.asarray(products.repeat(2, axis=1).sum(axis=0)[:1])
    return np.asarray(products.sum(axis=0))
