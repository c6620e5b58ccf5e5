"""The symbolic step: gradients against finite differences, steps against plain NumPy."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from support.steps import ACTIVATIONS, LOSSES, check_step, interpreted

from runner.network.criterion import SolvedCriterion
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.signature import HYPERPARAMETERS

# the perceptron rule knows no loss: see test_optimizers.py
NAMES = tuple(name for name in OPTIMIZERS if name != "perceptron")
# every activation with every loss, and every optimizer with every loss and every activation
CASES = [
    (activation, kind, output, NAMES[(a + k) % len(NAMES)])
    for (a, activation), (k, (kind, output)) in itertools.product(
        enumerate(ACTIVATIONS), enumerate(LOSSES)
    )
]
SHAPES = [
    ((), False, "lanes"),
    ((3,), True, "lanes"),
    ((3, 2), True, "lanes"),
    ((3,), True, "stacked"),
    ((2, 3), False, "stacked"),
    ((), False, "stacked"),
]


@pytest.mark.parametrize(("activation", "kind", "output", "optimizer"), CASES)
def test_every_activation_loss_and_optimizer(
    xor, restarts, activation, kind, output, optimizer
) -> None:
    momentum = 0.7 if OPTIMIZERS[optimizer].takes_momentum else 0.0
    signature = xor(activation=activation, loss=kind, output=output, optimizer=optimizer, n_lanes=3)
    check_step(signature, restarts, momentum=momentum)


@pytest.mark.parametrize(("hidden", "skip", "layout"), SHAPES)
def test_every_shape_and_layout(xor, restarts, hidden, skip, layout) -> None:
    signature = xor(hidden=hidden, skip=skip, layout=layout, n_lanes=3, activation="tanh")
    check_step(signature, restarts)


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
@pytest.mark.parametrize("reduction", ["sum", "half-sum", "half-mean"])
@pytest.mark.parametrize("biases", [True, False])
def test_reductions_and_l2(xor, restarts, layout, reduction, biases) -> None:
    signature = xor(
        reduction=reduction,
        layout=layout,
        regularised=True,
        l2_biases=biases,
        optimizer="adam",
        output="softmax",
        n_lanes=3,
    )
    check_step(signature, restarts, l2=0.05, rate=0.05)


def test_more_than_two_target_levels_are_solved_by_nearness(xor) -> None:
    signature = xor(
        output="linear",
        loss="squared-error",
        hidden=(),
        patterns=((0.0, 0.0), (1.0, 0.0), (2.0, 0.0)),
        criterion=SolvedCriterion((0.0,), (0.5,)),
        n_lanes=2,
    )
    state = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.6]])  # y = x, and y = x + 0.6
    targets = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    hyper = np.zeros((len(HYPERPARAMETERS), 2))
    seen = interpreted(signature)[1](state, hyper, targets)
    assert seen.solved.tolist() == [True, False]


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
def test_classes_are_solved_by_the_largest_output(xor, layout) -> None:
    """Four classes, one per pattern: the largest may be far below one half."""
    rng = np.random.default_rng(4)
    signature = xor(hidden=(), output="softmax", n_lanes=40, layout=layout)
    architecture = replace(signature.architecture, n_outputs=4)
    signature = replace(
        signature,
        architecture=architecture,
        criterion=SolvedCriterion((0.5,) * 4, (0.0,) * 4, by_class=True),
    )
    inputs = np.array(signature.patterns)
    # scores that single out each pattern, a little, and noise that now and then undoes it
    weights = np.array([[-1, -1, 0.5], [-1, 1, 0], [1, -1, 0], [1, 1, -1.5]]) * 0.3
    weights = weights[:, :, np.newaxis] + rng.normal(scale=0.08, size=(4, 3, 40))
    state = np.concatenate([weights[:, :2].reshape(8, 40), weights[:, 2]])
    targets = np.repeat(np.eye(4).reshape(16, 1), 40, axis=1)
    seen = interpreted(signature)[1](state, np.zeros((len(HYPERPARAMETERS), 40)), targets)
    scores = np.einsum("pi,oik->pok", inputs, weights[:, :2]) + weights[:, 2]
    expected = (scores.argmax(axis=1) == np.arange(4)[:, np.newaxis]).all(axis=0)
    assert 0 < expected.sum() < 40
    assert seen.outputs.max() < 0.5  # none is on its target's side of the middle
    np.testing.assert_array_equal(seen.solved, expected)


def test_a_state_starts_with_the_optimizers_own_values(xor) -> None:
    starts, rates = np.ones((9, 2)), np.array([0.1, 0.2])
    rprop = xor(optimizer="rprop").state.start(starts, rates)
    assert rprop.shape == (27, 2)
    assert (rprop[9:18] == 0).all()
    np.testing.assert_array_equal(rprop[18:], np.tile(rates, (9, 1)))
    adam = xor(optimizer="adam").state.start(starts, rates)
    assert adam.shape == (29, 2)
    assert (adam[27:] == 1).all()
