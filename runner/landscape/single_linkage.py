"""Single-linkage clusters of points: which of many are the same, up to a tolerance."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

_NEIGHBOURS = 16  # that a point is joined to at once; rounds of this bound the memory


def single_linkage(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Number the clusters of points that chains of steps within a tolerance join.

    Parameters
    ----------
    points : ndarray, shape (n, n_dimensions), finite
    tolerance : float
        Euclidean distance.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers from 0 in the order of the clusters' first points.

    Notes
    -----
    A million endpoints may all be the same point, so points that fall into one cell of a fine
    grid are joined first, and one stands for them. Near neighbours by a k-d tree are then joined,
    and one point stands for every cluster, until no two of those are near each other. Since one
    point stands for a cell, pairs just within the tolerance may be missed; points of different
    clusters are what this is for, and those are much further apart.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    n_dimensions = max(points.shape[1], 1)
    cell = tolerance / (2 * np.sqrt(n_dimensions))
    cells = np.round(points / cell)
    _, first, member = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    remaining, label = points[first], member.ravel()
    while True:
        joined = _joined(remaining, tolerance)
        n = int(joined.max()) + 1
        label = joined[label]
        if n == len(remaining):
            break
        _, chosen = np.unique(joined, return_index=True)
        remaining = remaining[chosen]
    return in_order(label)


def _joined(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Number the connected components of points and their nearest neighbours."""
    n = len(points)
    if n == 1:
        return np.zeros(1, np.int64)
    distance, neighbour = cKDTree(points).query(
        points, k=min(_NEIGHBOURS, n), distance_upper_bound=tolerance * (1 + 1e-12)
    )
    near = np.isfinite(np.asarray(distance))
    rows = np.broadcast_to(np.arange(n)[:, None], near.shape)[near]
    graph = coo_array((np.ones(rows.size, bool), (rows, np.asarray(neighbour)[near])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def in_order(label: np.ndarray) -> np.ndarray:
    """Renumber labels by their first appearance."""
    _, first, member = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return np.asarray(rank[member.ravel()])
