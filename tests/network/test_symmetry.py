"""Symmetries: the loss stays, the canonical form stays, and orbits have the size they should."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from support.plain import Net
from support.symmetric import TARGETS, XOR, cases

from runner.network.alignment import MAX_EXHAUSTIVE, align, align_by_assignment
from runner.network.architecture import Architecture
from runner.network.canonical_images import balanced, canonical_images, multiplicities
from runner.network.symmetry import Symmetries


def losses(symmetries, weights):
    a = symmetries.architecture
    l2 = 0.01 if symmetries.regularised else 0.0
    net = Net(a.hidden, a.activation, a.output, "cross-entropy", "mean", XOR, TARGETS, l2, a.skip)
    net.l2_biases = symmetries.bound_biases
    return np.array([net.loss(theta) for theta in weights.T])


@given(cases())
def test_a_symmetry_leaves_the_loss_and_the_canonical_form(case) -> None:
    symmetries, weights, image = case
    np.testing.assert_allclose(losses(symmetries, image), losses(symmetries, weights), rtol=1e-11)
    canonical = canonical_images(symmetries, weights)
    np.testing.assert_allclose(
        canonical_images(symmetries, image), canonical, rtol=1e-9, atol=1e-11
    )
    np.testing.assert_allclose(
        losses(symmetries, canonical), losses(symmetries, weights), rtol=1e-11
    )


@given(cases())
def test_aligning_undoes_a_symmetry(case) -> None:
    symmetries, weights, image = case
    net = symmetries.architecture
    # beyond: only a local optimum is promised, and the next biases are left out
    exact = len(net.hidden) == 1 and net.activation_of(0).parity != "complementary"
    assume(symmetries.order <= MAX_EXHAUSTIVE or exact)
    first = balanced(symmetries, weights)
    aligned = align(symmetries, first, balanced(symmetries, image))
    np.testing.assert_allclose(aligned, first, rtol=1e-9, atol=1e-10)


@given(cases())
def test_aligning_never_goes_further_away_and_keeps_the_loss(case) -> None:
    symmetries, weights, _ = case
    first, second = balanced(symmetries, weights), balanced(symmetries, weights[:, ::-1])
    aligned = align(symmetries, first, second)
    before, after = (np.linalg.norm(w - first, axis=0) for w in (second, aligned))
    assert (after <= before + 1e-12).all()
    np.testing.assert_allclose(losses(symmetries, aligned), losses(symmetries, second), rtol=1e-11)


def test_an_assignment_finds_what_trying_all_finds() -> None:
    rng = np.random.default_rng(3)
    symmetries = Symmetries(Architecture(2, (3,), 1, "tanh", "tanh"), True, True)
    first, second = rng.normal(size=(2, 13, 40))
    tried = align(symmetries, first, second)
    assert symmetries.order == 48
    for column in range(40):
        pair = slice(column, column + 1)
        assigned = align_by_assignment(symmetries, first[:, pair], second[:, pair])
        np.testing.assert_allclose(assigned, tried[:, pair], atol=1e-14)


def images(symmetries, theta):
    """All images of one endpoint of a network with one hidden layer, by brute force."""
    (units,) = symmetries.architecture.hidden
    signs = [-1.0, 1.0] if symmetries.flips(0) else [1.0]
    for places in itertools.permutations(range(units)):
        for sign in itertools.product(signs, repeat=units):
            moved = symmetries.transform(theta[:, None], 0, np.array(places), np.array(sign))
            yield tuple(np.round(moved[:, 0], 9) + 0.0)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_multiplicity_is_the_number_of_distinct_images(activation) -> None:
    symmetries = Symmetries(Architecture(2, (3,), 1, activation, "tanh"), False, False)
    rng = np.random.default_rng(8)
    free = rng.normal(size=13)
    twins, opposite, dead = free.copy(), free.copy(), free.copy()
    unit = [np.array([0, 1, 6, 9]), np.array([2, 3, 7, 10])]  # W1 row, b1, W2 of units 0 and 1
    twins[unit[1]] = twins[unit[0]]
    dead[unit[0]] = 0.0
    cases = [free, twins, dead]
    if activation == "tanh":
        opposite[unit[1]] = -opposite[unit[0]]  # the same image after a flip
        cases.append(opposite)
    for theta in cases:
        canonical = canonical_images(symmetries, theta[:, None])
        wanted = len(set(images(symmetries, theta)))
        assert multiplicities(symmetries, canonical, 1e-6)[0] == wanted


def test_a_regularised_loss_has_fewer_symmetries() -> None:
    for activation, free, bound in (("sigmoid", 8, 2), ("tanh", 8, 8), ("relu", 2, 2)):
        net = Architecture(2, (2,), 1, activation, "sigmoid")
        assert Symmetries(net, False, False).order == free
        assert Symmetries(net, True, True).order == bound
        assert Symmetries(net, True, False).order == free
    relu = Architecture(2, (2,), 1, "relu", "sigmoid")
    assert Symmetries(relu, False, False).scales(0)
    assert not Symmetries(relu, True, False).scales(0)


def test_without_hidden_units_there_is_nothing_to_do() -> None:
    symmetries = Symmetries(Architecture(2, (), 1, "tanh", "sigmoid"), False, False)
    weights = np.random.default_rng(0).normal(size=(3, 4))
    for same in (
        canonical_images(symmetries, weights),
        align(symmetries, weights[:, ::-1], weights),
    ):
        np.testing.assert_array_equal(same, weights)
    assert symmetries.exchanged(weights) is None
    assert (multiplicities(symmetries, weights, 1e-6) == 1).all()
