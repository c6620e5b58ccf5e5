"""Eigenvalues and eigenvectors of many symmetric matrices: of small ones in vector code."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from runner.engines import code_cache

if TYPE_CHECKING:
    from runner.engines.simd.machine_code import Function

LARGEST = 48
"""Size of the largest matrices in vector code; beyond it LAPACK is as quick."""


def eigenvectors(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of symmetric matrices.

    Parameters
    ----------
    matrices : ndarray, shape (size, size, n), float64, finite

    Returns
    -------
    values : ndarray, shape (n, size)
        Rising.
    vectors : ndarray, shape (n, size, size)
        In columns.

    Notes
    -----
    Up to `LARGEST` a matrix has the same bits whatever is beside it, and on every processor that
    fuses multiply-adds.
    """
    size, _, n = matrices.shape
    if not 0 < size <= LARGEST:
        found = np.linalg.eigh(np.ascontiguousarray(np.moveaxis(matrices, 2, 0)))
        return found.eigenvalues, found.eigenvectors
    values, vectors = _function(size)(matrices.reshape(size**2, n))
    return values.T.copy(), np.ascontiguousarray(vectors.reshape(size, size, n).transpose(2, 1, 0))


@cache
def _function(size: int) -> Function:
    from runner.engines.simd.machine_code import Function, assemble, processor

    key = ("eigenvectors", str(size), *processor())
    kept = code_cache.read(key)
    if kept is not None and kept.keys() == {"eigenvectors"}:
        return Function(kept["eigenvectors"])
    from runner.engines.simd.eigenvectors import program

    artifact = assemble(program(size))
    code_cache.write(key, {"eigenvectors": artifact})
    return Function(artifact)
