"""Alignment: of an endpoint's images the one that is nearest to another endpoint.

All arrays of weights are packed, (n_parameters, n): one column per endpoint.
"""

from __future__ import annotations

import numpy as np

from runner.network.column_products import column_dots
from runner.network.symmetry import Symmetries

MAX_EXHAUSTIVE = 400
"""Exchanges and flips of a network up to which all are tried."""

_MAX_SWEEPS = 20  # rounds over the layers of a deep network


def align(symmetries: Symmetries, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Replace endpoints by those of their images that are nearest to other endpoints.

    Parameters
    ----------
    symmetries : Symmetries
    first, second : ndarray, shape (n_parameters, n)
        Balanced (see `runner.network.canonical_images.balanced`).

    Returns
    -------
    ndarray, shape (n_parameters, n)
        Images of ``second``.

    Notes
    -----
    Up to `MAX_EXHAUSTIVE` symmetries are all tried. Beyond, an assignment problem is solved
    for each hidden layer, in turn until none changes: exact for one hidden layer (logistic
    flips apart, whose effect on the next biases it leaves out), a local optimum for more
    (Ainsworth, Hayase and Srinivasa 2023).
    """
    if not symmetries.layers:
        return second.copy()
    if symmetries.order <= MAX_EXHAUSTIVE:
        return _nearest(symmetries, first, second)
    nearest = second.copy()
    for column in range(second.shape[1]):
        pair = slice(column, column + 1)
        nearest[:, pair] = align_by_assignment(symmetries, first[:, pair], second[:, pair])
    return nearest


def _nearest(symmetries: Symmetries, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    nearest, best = second.copy(), np.full(second.shape[1], np.inf)
    for image in symmetries.images(second):
        distance = column_dots(image - first, image - first)
        closer = distance < best
        nearest[:, closer], best[closer] = image[:, closer], distance[closer]
    return nearest


def align_by_assignment(
    symmetries: Symmetries, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Align one endpoint (n_parameters, 1) with another, as `align` does for large groups."""
    from scipy.optimize import linear_sum_assignment  # takes a while to load

    distance = np.linalg.norm(second - first)
    for _ in range(_MAX_SWEEPS):
        image = second
        for layer in symmetries.layers:
            wanted = symmetries.unit_vectors(first, layer)[:, :, 0]
            units = symmetries.unit_vectors(image, layer)[:, :, 0]
            inner = wanted @ units.T
            flips = symmetries.flips(layer)
            gain = np.abs(inner) if flips else inner
            rows, places = linear_sum_assignment(gain, maximize=True)
            sign = np.where(inner[rows, places] < 0, -1.0, 1.0) if flips else None
            image = symmetries.transform(image, layer, places, sign)
        closer = np.linalg.norm(image - first)
        if not closer < distance:
            break
        second, distance = image, closer
    return second
