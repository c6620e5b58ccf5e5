"""Paths between endpoints: the losses of plain NumPy on them, and curves that go around."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from support.landscapes import configuration, plain, surface

from runner.landscape.barriers import Paths, both_ways, curved, straight
from runner.landscape.options import DEFAULTS, AnalysisOptions

N_GRID, JENSEN = DEFAULTS.path_points, DEFAULTS.rise_tolerance

FREE = {"problem": {"gate": "XOR"}, "network": {}, "loss": {}}


def test_losses_on_straight_paths_are_those_of_plain_numpy() -> None:
    c = configuration()
    net = plain(c)
    first, second = np.random.default_rng(0).normal(size=(2, 9, 5))
    paths = straight(surface(c, 5), first, second, DEFAULTS)
    assert paths.losses.shape == (5, N_GRID)
    for k in range(5):
        for i, a in enumerate(np.linspace(0, 1, N_GRID)):
            wanted = net.loss((1 - a) * first[:, k] + a * second[:, k])
            assert paths.losses[k, i] == pytest.approx(wanted, rel=1e-12)
        ends = 0.5 * (net.loss(first[:, k]) + net.loss(second[:, k]))
        middle = net.loss(0.5 * (first[:, k] + second[:, k]))
        assert paths.midpoint_violation[k] == pytest.approx(middle - ends)
        assert paths.barrier[k] == pytest.approx(paths.losses[k].max() - ends)


def test_a_path_below_its_line_violates_nothing_though_its_ends_differ() -> None:
    share = np.linspace(0, 1, N_GRID)
    bowl, line = share**2, 3 * share
    bump = line + 1e-3 * np.sin(np.pi * share)
    paths = Paths(np.array([bowl, line, bump]), JENSEN)
    assert paths.violated.tolist() == [False, False, True]
    assert paths.excess[2] == pytest.approx(1e-3)
    assert paths.barrier[0] == pytest.approx(0.5)  # though convex: a barrier is no violation
    assert Paths(np.array([line + 0.1 * JENSEN]), JENSEN).violated.tolist() == [False]


def test_a_loss_that_overflows_half_way_proves_nothing() -> None:
    losses = np.ones((2, N_GRID))
    losses[0, 5], losses[1, 7] = np.inf, np.nan
    paths = Paths(losses, JENSEN)
    assert paths.violated.tolist() == [False, False]
    assert np.isnan(paths.excess).all()


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_a_convex_loss_is_never_violated(seed) -> None:
    c = configuration(problem={"gate": "XOR"}, network={"hidden": []}, loss={})
    first, second = np.random.default_rng(seed).normal(scale=20, size=(2, 3, 8))
    assert not straight(surface(c, 8), first, second, DEFAULTS).violated.any()


def solved(c, n):
    net = plain(c)
    ends = []
    rng = np.random.default_rng(9)
    while len(ends) < n:
        options = {"maxiter": 25}
        end = minimize(net.loss, rng.normal(size=net.size), jac=net.gradient, options=options)
        if end.fun < 0.05:
            ends.append(end.x)
    return np.array(ends).T


def test_images_of_one_solution_have_a_barrier_that_aligning_takes_away() -> None:
    c = configuration(**FREE)
    first = solved(c, 6)
    second = c.symmetries.exchanged(first)
    (_, _, raw), (a, b, aligned) = both_ways(surface(c, 6), c.symmetries, first, second, DEFAULTS)
    assert (raw.barrier > 0.4).all()
    np.testing.assert_allclose(a, b, atol=1e-9)
    assert np.abs(aligned.excess).max() < 1e-12


def test_a_trained_curve_goes_around_the_barrier_of_the_straight_path() -> None:
    c = configuration(**FREE)
    first = solved(c, 4)
    second = c.symmetries.exchanged(first)
    direct = straight(surface(c, 4), first, second, DEFAULTS).barrier
    noise = np.random.default_rng(5).normal(size=first.shape)
    around = curved(surface(c, 4), first, second, noise, DEFAULTS)
    assert (around < direct).all()
    assert (around > -1e-12).all()
    assert np.median(around / direct) < 0.5


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(-2, 7), st.integers(1, 30))
def test_a_curve_is_never_above_the_straight_path(seed, decades, n_steps) -> None:
    c = configuration(**FREE)
    rng = np.random.default_rng(seed)
    first, second, noise = rng.normal(size=(3, 9, 4))
    first, second = 10**decades * first, 10**decades * second
    direct = straight(surface(c, 4), first, second, DEFAULTS).barrier
    curve = curved(surface(c, 4), first, second, noise, AnalysisOptions(curve_steps=n_steps))
    assert (curve <= direct).all()


def test_curves_between_large_weights_go_around_their_barrier_too() -> None:
    c = configuration(**FREE)
    first = 300 * solved(c, 4)
    second = c.symmetries.exchanged(first)
    direct = straight(surface(c, 4), first, second, DEFAULTS).barrier
    noise = np.random.default_rng(5).normal(size=first.shape)
    around = curved(surface(c, 4), first, second, noise, DEFAULTS)
    assert (direct > 50).all()
    assert np.median(around / direct) < 0.5


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_pair_has_the_same_bits_alone_as_among_others(activation) -> None:
    """A worker may have any number of pairs: batches are split where one of them fails."""
    n, options = 16, AnalysisOptions(curve_steps=8)
    c = configuration(**FREE | {"network": {"hidden": [5], "activation": activation}})
    p = len(c.architecture.parameter_names)
    first, second, noise = np.random.default_rng(6).normal(size=(3, p, n))
    every, same = surface(c, n), c.symmetries

    def looked_at(which: list[int]) -> list[list[np.ndarray]]:
        one, other = (np.ascontiguousarray(ends[:, which]) for ends in (first, second))
        pairs = every[which]
        return [
            [a.T, b.T, paths.losses, curved(pairs, a, b, noise[:, which], options)]
            for a, b, paths in both_ways(pairs, same, one, other, options)
        ]

    alone = [looked_at([k]) for k in range(n)]
    for way, found in enumerate(looked_at(list(range(n)))):
        for place, values in enumerate(found):
            np.testing.assert_array_equal(
                values, np.concatenate([pair[way][place] for pair in alone])
            )
