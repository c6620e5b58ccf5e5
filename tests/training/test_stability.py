"""Curvature from gradients against exact Hessians, and what is forecast from it."""

from __future__ import annotations

import numpy as np
import pytest
from support.quadratics import quadratic, symmetric

from runner.training import stability
from runner.training.hessians import extreme_curvatures
from runner.training.stability import will_stay

ALL = np.ones(3, bool)


@pytest.mark.parametrize("n", [1, 3, 9, 24])
def test_the_ends_of_small_spectra_are_exact(n) -> None:
    rng = np.random.default_rng(0)
    hessians = symmetric(rng, 5, rng.normal(size=n))
    at = rng.normal(size=(n, 5))
    lowest, highest = extreme_curvatures(quadratic(hessians), at, np.arange(5))
    values = np.linalg.eigvalsh(hessians)
    np.testing.assert_allclose(lowest, values[:, 0], atol=1e-8)
    np.testing.assert_allclose(highest, values[:, -1], atol=1e-8)


@pytest.mark.parametrize("n", [25, 60, 300])
def test_the_ends_of_large_spectra_are_found(n) -> None:
    """One way down among many that are nearly flat, as at a plateau."""
    rng = np.random.default_rng(1)
    spectrum = np.concatenate([[-0.02, 0.7, 0.3], 1e-4 * rng.normal(size=n - 3)])
    hessians = symmetric(rng, 4, spectrum)
    at = rng.normal(size=(n, 4))
    lowest, highest = extreme_curvatures(quadratic(hessians), at, np.arange(4))
    np.testing.assert_allclose(lowest, -0.02, rtol=1e-3)
    np.testing.assert_allclose(highest, 0.7, rtol=1e-6)


@pytest.mark.parametrize("n", [4, 40])
def test_a_curvature_is_of_an_endpoint_alone(n) -> None:
    rng = np.random.default_rng(2)
    hessians = symmetric(rng, 300, rng.normal(size=n))
    at = rng.normal(size=(n, 300))

    def gradients(parameters, which):  # the same sum whoever stands beside
        products = [(hessians[w] * parameters[:, i]).sum(axis=1) for i, w in enumerate(which)]
        return np.stack(products, axis=1)

    together = extreme_curvatures(gradients, at, np.arange(300))
    alone = extreme_curvatures(gradients, at[:, 7:8], np.array([7]))
    np.testing.assert_array_equal([end[7:8] for end in together], alone)


@pytest.mark.parametrize(
    ("curvature", "stays"),
    [
        ([1.0, 0.5], True),  # a bowl
        ([1.0, -1e-6], True),  # a way down that is too slow to be seen in ten budgets
        ([1.0, -1e-2], False),
        ([1e-6, 1e-7], False),  # it has not begun to settle
    ],
)
def test_what_stays_where_it_is(curvature, stays) -> None:
    rate, max_steps = 0.1, np.array([1000])
    hessian = np.diag(curvature)[np.newaxis]
    at = np.full((2, 1), 1e-3)
    gradient = quadratic(hessian)(at, np.array([0]))
    found = will_stay(
        at, at - rate * gradient, gradient, max_steps, True, quadratic(hessian), ALL[:2]
    )
    assert found.tolist() == [stays]
    # gradient descent itself, ten times as long: it stays within a thousandth or so, or leaves
    after = at[:, 0] * (1 - rate * np.array(curvature)) ** (10 * 1000)
    assert (abs(after[1]) > 1.35 * 1e-3) == (curvature[1] < -1e-4)


def test_steps_of_fixed_size_stay_only_where_there_is_no_slope() -> None:
    at = np.zeros((2, 2))
    gradient = np.array([[0.0, 1e-12], [0.0, 0.0]])
    moved = at - np.sign(gradient)
    hessian = np.zeros((2, 2, 2))
    found = will_stay(at, moved, gradient, np.array([10, 10]), False, quadratic(hessian), ALL[:2])
    assert found.tolist() == [True, False]


def test_what_is_not_finite_neither_stays_nor_stops_the_others(monkeypatch) -> None:
    monkeypatch.setattr(stability, "MAX_EXACT", 0)
    for limit in (0, 24):
        monkeypatch.setattr(stability, "MAX_EXACT", limit)
        hessians = np.stack([np.eye(3), np.full((3, 3), np.nan)])
        at = np.full((3, 2), 1e-3)
        gradient = np.full((3, 2), 1e-3)
        found = will_stay(
            at, at - 0.1 * gradient, gradient, np.array([1000] * 2), True, quadratic(hessians), ALL
        )
        assert found.tolist() == [True, False]


def test_directions_that_are_frozen_do_not_count() -> None:
    """Downhill along the frozen one, and coupled to it; a bowl in the others."""
    hessian = np.array([[[1.0, 0.2, 0.5], [0.2, 0.8, 0.0], [0.5, 0.0, -3.0]]])
    at = np.full((3, 1), 1e-3)
    moves = np.array([True, True, False])
    gradient = quadratic(hessian)(at, np.array([0])) * moves[:, np.newaxis]
    for trained, stays in ((moves, True), (ALL, False)):
        found = will_stay(
            at, at - 0.1 * gradient, gradient, np.array([1000]), True, quadratic(hessian), trained
        )
        assert found.tolist() == [stays]
