"""Dot products and norms of a matrix's columns, of each as if it were one of many.

NumPy adds the rows of a matrix one after the other, but the numbers of a single column in pairs,
and so those of columns that lie in memory one by one, as what an index has chosen: a restart in a
batch of its own would get other last bits than among others.
"""

from __future__ import annotations

import numpy as np


def column_norms(values: np.ndarray) -> np.ndarray:
    """Euclidean norms of the columns of (rows, n)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(column_dots(values, values)))


def column_dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot products of the columns of two matrices (rows, n)."""
    products = np.multiply(a, b, order="C")
    if products.shape[1] == 1:
        return np.asarray(products.repeat(2, axis=1).sum(axis=0)[:1])
    return np.asarray(products.sum(axis=0))
