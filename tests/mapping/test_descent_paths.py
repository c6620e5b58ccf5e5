"""Paths of steepest descent, beside an integrator of stiff equations on plain NumPy's gradient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from support.landscapes import plain, surface
from support.maps import QUICK, configuration

from runner.landscape.newton import Spectrum, spectrum
from runner.mapping.descent_paths import correction, descend, model_step
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
    step, predicted, _ = model_step(
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
    step, predicted, _ = model_step(
        Spectrum(values[None], np.eye(3)[None], 1e-9), gradient[:, None], np.array([9.0])
    )
    np.testing.assert_allclose(step[:, 0], -gradient / values, rtol=1e-12)
    np.testing.assert_allclose(predicted, 0, atol=1e-12)


def test_a_corrected_step_is_of_the_third_order() -> None:
    """Of half the length it misses a sixteenth, beside an integrator on plain NumPy's gradient."""
    c = configuration()
    net, here = plain(c), surface(c, 1)
    start = np.random.default_rng(7).normal(size=(9, 1))
    found, gradient = spectrum(here, start, 1e-7), here.values(start).gradient
    missed = []
    for longest in (0.08, 0.04, 0.02):
        step, predicted, time = model_step(found, gradient, np.array([longest]))
        ahead = here.values(start + step).gradient
        step += correction(found, ahead - predicted, time)
        path = solve_ivp(
            lambda _, x: -net.gradient(x), (0, time[0]), start[:, 0], rtol=1e-12, atol=1e-14
        )
        missed.append(np.linalg.norm(start[:, 0] + step[:, 0] - path.y[:, -1]))
    assert missed[0] / missed[1] == pytest.approx(16, rel=0.3)
    assert missed[1] / missed[2] == pytest.approx(16, rel=0.3)


@pytest.mark.parametrize("value", [-300.0, -0.4, -1e-9, 0.0, 1e-5, 0.49, 0.51, 3.0, 200.0])
def test_what_is_missed_grows_with_the_square_of_the_time(value) -> None:
    def flow(passed: float) -> float:
        return float(np.exp(-value * (2.0 - passed)) * (passed / 2.0) ** 2)

    wanted = -quad(flow, 0, 2, epsabs=0, epsrel=1e-12, points=[2 - 1e-3], limit=200)[0]
    one = Spectrum(np.array([[value]]), np.eye(1)[None], 1e-12)
    assert correction(one, np.ones((1, 1)), np.array([2.0])) == pytest.approx(wanted, rel=1e-9)


def test_a_direction_that_nothing_is_missed_in_stays_uncorrected() -> None:
    """Though there the model goes on without end, while the rest comes to its own."""
    found = Spectrum(np.array([[-1.0, 1.0]]), np.eye(2)[None], 1e-12)
    gradient, missed = np.array([[0.0], [1e-3]]), np.array([[0.0], [1e-9]])
    step, _, duration = model_step(found, gradient, np.array([1.0]))
    assert step[:, 0] == pytest.approx([0, -1e-3])
    change = correction(found, missed, duration)
    assert change[0, 0] == 0
    assert np.isfinite(change).all()


def test_a_path_without_an_end_leaves() -> None:
    c = configuration({"problem": {"gate": "AND"}, "network": {"hidden": []}, "loss": {}})
    found = descend(surface(c, 3), np.ones((3, 3)), QUICK)
    assert (found.status != ARRIVED).all()
    assert (np.abs(found.weights).max(axis=0) > 10).all() or (found.status == LEFT).any()
