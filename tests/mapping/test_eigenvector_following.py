"""Searches arrive at critical points, as plain NumPy and SciPy see them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import root
from support.landscapes import numerical_hessian, plain, surface
from support.maps import QUICK, configuration

from runner.mapping.eigenvector_following import ANY, ARRIVED, LEFT, follow, inspect


def starts(n: int, size: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, n)) * 10 ** rng.uniform(-1, 1, n)


@pytest.mark.parametrize("wanted", [0, 1, 2, ANY])
def test_searches_arrive_at_points_of_the_wanted_index(wanted) -> None:
    c = configuration()
    net, lanes = plain(c), surface(c, 60)
    weights, status = follow(lanes, starts(60, 9), np.full(60, wanted), QUICK, coercive=True)
    ends = inspect(lanes, weights, status, QUICK)
    arrived = np.flatnonzero(status == ARRIVED)
    assert len(arrived) >= 40
    for k in arrived[:20]:
        assert np.abs(net.gradient(weights[:, k])).max() < 1e-9
        assert net.loss(weights[:, k]) == pytest.approx(ends.loss[k], rel=1e-12)
        values = np.linalg.eigvalsh(numerical_hessian(net, weights[:, k]))
        np.testing.assert_allclose(ends.eigenvalues[k], values, atol=1e-6)
        assert ends.index[k] == (values < 0).sum()
    if wanted != ANY:
        assert (ends.index[arrived] == wanted).mean() > 0.8


def test_a_lane_does_not_depend_on_its_neighbours() -> None:
    c = configuration()
    first = starts(30, 9)
    wanted = np.tile([0, 1, ANY], 10)
    whole, status = follow(surface(c, 30), first, wanted, QUICK, coercive=True)
    part, some = follow(surface(c, 7), first[:, 5:12], wanted[5:12], QUICK, coercive=True)
    assert np.array_equal(whole[:, 5:12], part)
    assert np.array_equal(status[5:12], some)


def test_what_falls_for_ever_is_no_critical_point() -> None:
    """AND without an L2 term: the gradient vanishes at infinity alone."""
    c = configuration(
        {
            "problem": {"gate": "AND"},
            "network": {"hidden": []},
            "loss": {"kind": "cross-entropy"},
        }
    )
    lanes, long = surface(c, 40), replace(QUICK, search_steps=600)
    with np.errstate(all="ignore"):
        _, status = follow(lanes, starts(40, 3), np.tile([0, ANY], 20), long, coercive=False)
    assert (status != ARRIVED).all()
    assert (status == LEFT).any()


def test_a_root_finder_agrees_where_both_arrive() -> None:
    """SciPy's, on plain NumPy's gradient, from points near ours."""
    c = configuration()
    net, lanes = plain(c), surface(c, 20)
    weights, status = follow(lanes, starts(20, 9), np.full(20, ANY), QUICK, coercive=True)
    rng = np.random.default_rng(1)
    for k in np.flatnonzero(status == ARRIVED):
        near = root(net.gradient, weights[:, k] + 1e-5 * rng.normal(size=9), tol=1e-13)
        np.testing.assert_allclose(near.x, weights[:, k], atol=1e-8)
