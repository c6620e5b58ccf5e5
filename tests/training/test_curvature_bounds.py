"""Bounds of a Hessian's eigenvalues, told from some of its columns, against all eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quadratics import quadratic, symmetric

from runner.training import curvature_bounds
from runner.training.curvature_bounds import are_bounded
from runner.training.hessians import extreme_curvatures


@given(
    n=st.integers(1, 12),
    lowest=st.sampled_from([-2.0, -0.1, -1e-6, 0.0, 0.3]),
    together=st.sampled_from([3, 1000]),
    seed=st.integers(0, 2**32),
)
def test_what_is_told_of_bounds_is_what_all_eigenvalues_tell(n, lowest, together, seed) -> None:
    rng = np.random.default_rng(seed)
    k = 40
    spectra = np.sort(rng.normal(size=(k, n)) * rng.choice([0.0, 1e-3, 1.0], (k, 1)))
    spectra[: k // 2, 0] = lowest
    hessians = np.concatenate([symmetric(rng, 1, spectrum) for spectrum in spectra])
    hessians[:5] *= np.eye(n)  # nothing beside the diagonal
    at = rng.normal(size=(n, k))
    least, enough = -(10 ** rng.uniform(-4, 1, k)), 10 ** rng.uniform(-4, 1, k)
    ends = extreme_curvatures(quadratic(hessians), at, np.arange(k))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curvature_bounds, "_BLOCK_BYTES", 8 * n * n * together)
        told = are_bounded(quadratic(hessians), at, np.arange(k), least, enough)
    np.testing.assert_array_equal(told, (ends[0] >= least) & (ends[1] >= enough))


def test_a_bound_that_is_met_by_rounding_alone_is_told_by_all_eigenvalues() -> None:
    hessians = np.array([[[1.0, 2.0], [2.0, 4.0]]])  # eigenvalues 0 and 5
    at, which = np.full((2, 1), 0.5), np.array([0])
    ends = extreme_curvatures(quadratic(hessians), at, which)
    for least in (ends[0], np.nextafter(ends[0], 1)):
        told = are_bounded(quadratic(hessians), at, which, least, np.array([1.0]))
        assert told[0] == (least <= ends[0])[0]
    for enough in (ends[1], np.nextafter(ends[1], 9)):
        told = are_bounded(quadratic(hessians), at, which, np.array([-1.0]), enough)
        assert told[0] == (enough <= ends[1])[0]


def test_only_those_that_are_left_are_asked_for_another_column() -> None:
    hessians = np.stack([np.diag([-1.0, 1.0, 1.0]), np.eye(3)])
    asked = []

    def gradients(parameters, which):
        asked.append(which.tolist())
        return quadratic(hessians)(parameters, which)

    at, least = np.ones((3, 2)), np.full(2, -0.5)
    told = are_bounded(gradients, at, np.arange(2), least, np.full(2, 0.5))
    assert told.tolist() == [False, True]
    assert asked == [[0, 1], [0, 1], [1], [1], [1], [1]]


def test_what_is_not_finite_has_no_bounds() -> None:
    hessians = np.stack([np.eye(3), np.full((3, 3), np.nan), np.full((3, 3), np.inf)])
    hessians[2, 0, 0] = 1.0
    at = np.full((3, 3), 1e-3)
    with np.errstate(all="ignore"):
        told = are_bounded(quadratic(hessians), at, np.arange(3), np.full(3, -1.0), np.full(3, 0.5))
    assert told.tolist() == [True, False, False]
