"""Eigenvalues and eigenvectors of many small matrices, beside LAPACK's."""

from __future__ import annotations

import numpy as np
import pytest

from runner.engines.eigenvectors import LARGEST, eigenvectors

N = 37  # two blocks of lanes where they are 16, four where 8, and a part of one


def matrices(size: int) -> np.ndarray:
    """Random ones, and some that are degenerate, graded, or of numbers that are no 1."""
    a = np.random.default_rng(size).normal(size=(size, size, N))
    a += a.swapaxes(0, 1)
    place = np.arange(size)
    a[:, :, 0] = 0
    a[:, :, 1] = np.eye(size)
    a[:, :, 2] = 1
    a[:, :, 3] = np.outer(place, place)
    a[:, :, 4] = np.diag(0.1**place)
    a[:, :, 5] = np.abs(np.subtract.outer(place, place)) == 1  # eigenvalues in pairs
    a[:, :, 6] *= 1e-250
    a[:, :, 7] *= 1e250
    a[:, :, 8] = np.diag(np.tile([1.0, 1.0 + 2.0**-52], size)[:size])
    a[:1, 1:, 9] = a[1:, :1, 9] = 0  # a block of one, and another
    return a


@pytest.mark.parametrize("size", [1, 2, 3, 9, 17, LARGEST, LARGEST + 1])
def test_they_are_those_of_lapack(size) -> None:
    a = matrices(size)
    values, vectors = eigenvectors(a)
    each = np.moveaxis(a, 2, 0)
    largest = np.maximum(np.abs(each).max(axis=(1, 2)), 1e-300)
    reach = 1e-14 * size
    assert values.shape == (N, size)
    assert (np.diff(values, axis=1) >= 0).all()
    apart = np.abs(values - np.linalg.eigvalsh(each)).max(axis=1)
    assert (apart <= reach * largest).all()
    assert np.abs(vectors.swapaxes(1, 2) @ vectors - np.eye(size)).max() <= reach
    left = np.abs(each @ vectors - vectors * values[:, None, :]).max(axis=(1, 2))
    assert (left <= reach * largest).all()


def test_what_is_beside_a_matrix_changes_none_of_its_bits() -> None:
    a = matrices(9)
    values, vectors = eigenvectors(a)
    for some in ([3], [20, 0], [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 10]):
        alone = eigenvectors(a[:, :, some])
        assert alone[0].tobytes() == values[some].tobytes()
        assert alone[1].tobytes() == vectors[some].tobytes()


def test_of_no_matrices_there_are_none() -> None:
    values, vectors = eigenvectors(np.zeros((4, 4, 0)))
    assert values.shape == (0, 4)
    assert vectors.shape == (0, 4, 4)
