"""What is said of endpoints: minima only where everything speaks for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from support.landscapes import configuration, numerical_hessian, plain, saddle, surface

from runner.landscape.curvature import curvature
from runner.landscape.options import DEFAULTS, AnalysisOptions


def look(c, weights, stationary=True, options=DEFAULTS):
    n = weights.shape[1]
    noise = np.random.default_rng(0).normal(size=weights.shape)
    flags = np.full(n, stationary)
    return curvature(surface(c, n), c.symmetries, weights, flags, noise, options)


def test_ends_of_an_independent_search_are_minima_with_their_eigenvalues() -> None:
    c = configuration()
    net = plain(c)
    starts = np.random.default_rng(5).uniform(-1, 1, (12, net.size))
    ends = [minimize(net.loss, s, jac=net.gradient, options={"gtol": 1e-6}) for s in starts]
    weights = np.array([end.x for end in ends]).T
    found = look(c, weights, stationary=False)
    assert (found.critical == "minimum").all()
    assert (found.returned == 1).all()
    for k, end in enumerate(ends):
        values = np.linalg.eigvalsh(numerical_hessian(net, found.point[:, k]))
        assert found.spectrum[0, k] == pytest.approx(values[0], rel=1e-4)
        assert found.spectrum[1, k] == pytest.approx(values[-1], rel=1e-4)
        assert found.loss[k] == pytest.approx(net.loss(found.point[:, k]), rel=1e-12)
        assert found.loss[k] <= end.fun + 1e-12
        assert found.gradient_norm[k] == pytest.approx(np.abs(net.gradient(end.x)).max())
        image = c.symmetries.exchanged(end.x[:, None])[:, 0]
        rise = net.loss(0.5 * (end.x + image)) - net.loss(end.x)
        assert found.swap_excess[k] == pytest.approx(rise, rel=1e-9)


def test_a_saddle_is_one_whether_or_not_the_endpoint_rested() -> None:
    c = configuration()
    near = saddle(c)[:, None] + 1e-4
    for stationary in (True, False):
        found = look(c, near, stationary=stationary)
        assert found.critical.tolist() == ["saddle"]
        assert found.spectrum[2, 0] >= 1
        assert np.isnan(found.returned[0])


def test_all_weights_zero_minimise_a_balanced_problem_under_l2() -> None:
    found = look(configuration(), np.full((9, 1), 1e-4))
    assert found.critical.tolist() == ["minimum"]
    # of the data only the output's bias is felt there: the mean of (tanh b - t)^2 curves by 2
    np.testing.assert_allclose(found.spectrum[:, 0], [0.002, 2.002, 0, 0], rtol=1e-9)


def test_a_flat_minimum_is_indeterminate() -> None:
    # two linear layers of one unit: what one is scaled up by the other makes good
    flat = configuration(
        problem={"gate": "AND", "inputs": [0, 1]},
        network={"hidden": [1], "activation": "linear", "output": "linear"},
        loss={"kind": "squared-error"},
    )
    net = plain(flat)
    end = minimize(net.loss, np.full(net.size, 0.3), jac=net.gradient, options={"gtol": 1e-10})
    found = look(flat, end.x[:, None])
    assert found.null_directions[0] >= 1
    assert found.critical.tolist() == ["indeterminate"]
    assert look(flat, end.x[:, None], stationary=False).critical.tolist() == ["none"]


def test_endpoints_that_are_not_finite_are_left_alone() -> None:
    weights = np.zeros((9, 3))
    weights[0] = np.inf, np.nan, 1.0
    with np.errstate(invalid="ignore"):
        found = look(configuration(), weights)
    assert found.critical[:2].tolist() == ["none", "none"]
    assert np.isnan(found.smallest[:2]).all()
    assert np.isfinite(found.smallest[2])


def test_large_networks_have_no_exact_hessian() -> None:
    small = AnalysisOptions(max_parameters=8)
    found = look(configuration(), np.full((9, 2), 0.1), options=small)
    assert np.isnan(found.smallest).all()
    assert (found.critical == "none").all()
    assert np.isfinite(found.gradient_norm).all()


def test_a_shallow_minimum_is_one_wherever_the_push_leads() -> None:
    c = configuration()
    net = plain(c)
    start = [-1.775, -0.536, -1.801, 0.601, 1.753, 1.82, 1.003, -1.035, 0.032]
    end = minimize(net.loss, start, jac=net.gradient, options={"gtol": 1e-10})
    values = np.linalg.eigvalsh(numerical_hessian(net, end.x))
    assert 1e-3 < values[0] < 2e-3 < 3 < values[-1]
    weights = np.repeat(end.x[:, None], 3000, axis=1)
    found = look(c, weights, stationary=False)
    assert (found.critical == "minimum").all()
    # one push alone, the next being too short for this tolerance, is over the rim now and then
    once = look(c, weights, stationary=False, options=AnalysisOptions(return_tolerance=2e-4))
    assert (once.returned == 0).any()
