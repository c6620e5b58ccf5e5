"""Newton searches: they arrive at critical points, checked by plain NumPy, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from support.landscapes import configuration, numerical_hessian, plain, saddle, surface

from runner.landscape.newton import Spectrum, minimise, polish, spectrum
from runner.landscape.options import DEFAULTS

NULL = DEFAULTS.null_tolerance


@pytest.fixture(scope="module")
def regular():
    return configuration()


@pytest.fixture(scope="module")
def minimum(regular):
    net = plain(regular)
    starts = np.random.default_rng(4).uniform(-2, 2, (10, net.size))
    ends = [minimize(net.loss, s, jac=net.gradient, options={"gtol": 1e-9}) for s in starts]
    return min(ends, key=lambda end: end.fun).x


def test_polishing_reaches_the_minimum_that_scipy_finds(regular, minimum) -> None:
    rng = np.random.default_rng(1)
    start = minimum[:, None] + 0.02 * rng.normal(size=(len(minimum), 9))
    polished, arrived = polish(surface(regular, 9), start, DEFAULTS)
    assert arrived.all()
    np.testing.assert_allclose(polished, np.repeat(minimum[:, None], 9, axis=1), atol=1e-6)
    gradients = [plain(regular).gradient(theta) for theta in polished.T]
    assert np.abs(gradients).max() < 1e-12


def test_minimising_comes_back_from_further_away(regular, minimum) -> None:
    rng = np.random.default_rng(2)
    start = minimum[:, None] + 0.1 * rng.normal(size=(len(minimum), 9))
    found = minimise(surface(regular, 9), start, DEFAULTS)
    np.testing.assert_allclose(found, np.repeat(minimum[:, None], 9, axis=1), atol=1e-6)


def test_minimising_leaves_a_saddle_that_polishing_keeps(regular) -> None:
    net, at = plain(regular), saddle(regular)
    start = at[:, None] + 1e-3 * np.random.default_rng(3).normal(size=(net.size, 3))
    polished, arrived = polish(surface(regular, 3), start, DEFAULTS)
    assert arrived.all()
    np.testing.assert_allclose(polished, np.repeat(at[:, None], 3, axis=1), atol=1e-7)
    found = minimise(surface(regular, 3), start, DEFAULTS)
    for theta in found.T:
        assert net.loss(theta) < net.loss(at) - 1e-6
        assert np.abs(net.gradient(theta)).max() < 1e-8
        assert np.linalg.eigvalsh(numerical_hessian(net, theta))[0] > 0


def test_a_surface_that_falls_for_ever_has_no_critical_point() -> None:
    # AND by cross-entropy without L2: the gradient vanishes as the weights grow, at no place
    c = configuration(problem={"gate": "AND"}, network={"hidden": []}, loss={})
    start = np.array([[10.0, 10, -15], [20, 20, -30], [40, 40, -60]]).T
    assert np.abs([plain(c).gradient(theta) for theta in start.T][2]).max() < 1e-8
    _, arrived = polish(surface(c, 3), start, DEFAULTS)
    assert not arrived.any()


def test_spectra_are_those_of_numerical_hessians(regular) -> None:
    weights = np.random.default_rng(0).normal(size=(9, 70))  # more than one call's lanes
    weights[0, 3] = np.nan
    at = spectrum(surface(regular, 70), weights, DEFAULTS.null_tolerance)
    assert np.isnan(at.values[3]).all()
    for k in (0, 5, 69):
        wanted = np.linalg.eigvalsh(numerical_hessian(plain(regular), weights[:, k]))
        np.testing.assert_allclose(at.values[k], wanted, atol=1e-7)
        assert at.index[k] == (wanted < 0).sum()


def test_what_counts_as_flat_is_relative() -> None:
    values = np.array([[-2.0, 0.5 * NULL, 1.0], [-1e-3 * NULL, 1e-3, 1e-2]])
    at = Spectrum(values, np.repeat(np.eye(3)[None], 2, axis=0), NULL)
    assert at.index.tolist() == [1, 0]
    assert at.null_directions.tolist() == [1, 1]
    np.testing.assert_allclose(at.condition, [4 / NULL, 10 / NULL])
    step = at.step(np.ones((3, 2)))
    np.testing.assert_allclose(step[:, 0], [-0.5, 0, 1])
    np.testing.assert_allclose(at.step(np.ones((3, 2)), downhill=True)[:, 0], [0.5, 0, 1])
