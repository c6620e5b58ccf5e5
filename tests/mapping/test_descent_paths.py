"""Paths of steepest descent, beside an integrator of stiff equations on plain NumPy's gradient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.landscapes import plain, surface
from support.maps import QUICK, configuration

from runner.landscape.newton import Spectrum
from runner.mapping.descent_paths import descend, model_step
from runner.mapping.eigenvector_following import ARRIVED, LEFT


def test_paths_end_and_are_as_long_as_an_integrator_finds() -> None:
    c = configuration()
    net = plain(c)
    first = np.random.default_rng(5).normal(size=(9, 8)) * np.repeat([0.5, 2.0], 4)
    found = descend(surface(c, 8), first, QUICK)
    stations = found.stations.kept()
    assert (found.status == ARRIVED).all()
    for k in range(8):
        path = solve_ivp(
            lambda _, x: -net.gradient(x), (0, 400), first[:, k], "LSODA", rtol=1e-9, atol=1e-11
        )
        np.testing.assert_allclose(found.weights[:, k], path.y[:, -1], atol=1e-5)
        length = np.linalg.norm(np.diff(path.y, axis=1), axis=0).sum()
        assert found.path_length[k] == pytest.approx(length, rel=0.01)
        own = stations[0] == k
        assert own.sum() >= 4
        walked = np.cumsum(np.linalg.norm(np.diff(path.y, axis=1), axis=0))
        for distance, point in zip(stations[1][own], stations[2][:, own].T, strict=True):
            nearest = np.argmin(np.linalg.norm(path.y[:, 1:] - point[:, None], axis=0))
            assert distance == pytest.approx(walked[nearest], abs=0.05 * length)
            assert np.linalg.norm(path.y[:, 1 + nearest] - point) < 0.02 * length


def test_the_model_is_followed_exactly() -> None:
    """On a quadratic, beside the matrix exponential, for a distance and to the end."""
    rng = np.random.default_rng(0)
    vectors, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    values = np.array([-0.7, 0.0, 0.3, 50.0])
    gradient = vectors @ np.array([0.1, 0.2, -0.4, 3.0])
    step, predicted = model_step(
        Spectrum(values[None], vectors[None], 1e-7), gradient[:, None], np.array([0.8])
    )
    assert np.linalg.norm(step) == pytest.approx(0.8, rel=1e-9)
    path = solve_ivp(
        lambda _, x: -(gradient + vectors @ (values * (vectors.T @ x))),
        (0, 10),
        np.zeros(4),
        "LSODA",
        rtol=1e-11,
        atol=1e-13,
        events=lambda _, x: np.linalg.norm(x) - 0.8,
    )
    np.testing.assert_allclose(step[:, 0], path.y_events[0][0], atol=1e-8)
    model = gradient + vectors @ (values * (vectors.T @ step[:, 0]))
    np.testing.assert_allclose(predicted[:, 0], model, atol=1e-9)


def test_the_model_of_a_minimum_ends_in_newtons_step() -> None:
    values, gradient = np.array([1e-6, 1.0, 1e4]), np.array([1e-7, 0.02, 5.0])
    step, predicted = model_step(
        Spectrum(values[None], np.eye(3)[None], 1e-9), gradient[:, None], np.array([9.0])
    )
    np.testing.assert_allclose(step[:, 0], -gradient / values, rtol=1e-12)
    np.testing.assert_allclose(predicted, 0, atol=1e-12)


def test_a_path_without_an_end_leaves() -> None:
    c = configuration({"problem": {"gate": "AND"}, "network": {"hidden": []}, "loss": {}})
    found = descend(surface(c, 3), np.ones((3, 3)), QUICK)
    assert (found.status != ARRIVED).all()
    assert (np.abs(found.weights).max(axis=0) > 10).all() or (found.status == LEFT).any()
