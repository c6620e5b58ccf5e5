"""Clusters of points: against brute force, and at the size that matters."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from runner.landscape.single_linkage import in_order, single_linkage


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 4))
def test_balls_far_apart_are_told_apart(seed, n, n_dimensions) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(-3, 4, (n, n_dimensions)).astype(float)
    points = centres + rng.uniform(-1, 1, centres.shape) * 1e-7
    found = single_linkage(points, 1e-4)
    near = cdist(points, points) <= 1e-4
    wanted = connected_components(near, directed=False)[1]
    np.testing.assert_array_equal(found, in_order(wanted))


def test_chains_and_crowds_hold_together() -> None:
    chain = np.arange(500)[:, None] * 0.9e-4
    crowd = np.random.default_rng(1).uniform(0, 0.5e-4, (5000, 1)) + 1.0
    found = single_linkage(np.concatenate([chain, crowd]), 1e-4)
    assert (found[:500] == 0).all()
    assert (found[500:] == 1).all()


def test_a_million_equal_points_are_one() -> None:
    points = np.zeros((1_000_000, 9))
    points[500_000:] = 1e-9
    points[-1] = 1.0
    found = single_linkage(points, 1e-4)
    assert (found[:-1] == 0).all()
    assert found[-1] == 1


def test_no_points_are_no_clusters() -> None:
    assert single_linkage(np.zeros((0, 3)), 1.0).shape == (0,)


def test_numbers_follow_first_appearance() -> None:
    np.testing.assert_array_equal(in_order(np.array([7, 3, 7, 9, 3])), [0, 1, 0, 2, 1])
