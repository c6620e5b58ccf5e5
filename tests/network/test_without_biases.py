"""Networks without biases: trained beside plain NumPy, with the symmetries that are left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.plain import Net, Rule
from support.plain import train as plain_train
from support.symmetric import TARGETS, XOR

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.network.alignment import align
from runner.network.architecture import Architecture
from runner.network.canonical_images import balanced, canonical_images
from runner.network.forward import outputs
from runner.network.starts.registry import DISTRIBUTIONS
from runner.network.starts.stream import Starts
from runner.network.symmetry import Symmetries
from runner.report.network_outputs import network_losses, network_outputs
from runner.training.lanes import train
from runner.training.worker import Task, prepare

STEPS = 5


def plan_of(**network) -> Plan:
    experiment = {
        "name": "t",
        "restarts": 3,
        "problem": {"gate": "XOR"},
        "network": {"bias": False, **network},
        "loss": {"l2": 0.01},
        "training": {"max_steps": STEPS, "learning_rate": 0.5},
    }
    return Plan(load_experiment(experiment))


@pytest.mark.parametrize(
    ("network", "layout"),
    [
        ({"hidden": [3], "activation": "tanh"}, "lanes"),
        ({"hidden": []}, "lanes"),
        ({"hidden": [2, 3], "skip": True}, "lanes"),
        ({"hidden": [2, 3], "skip": True}, "stacked"),
        ({"hidden": [3], "activation": "relu"}, "stacked"),
    ],
)
def test_training_is_that_of_plain_numpy(network, layout) -> None:
    plan = plan_of(**network)
    (c,) = plan.configurations
    signature = replace(c.signature(), n_lanes=3, n_steps=STEPS, layout=layout)
    restarts = prepare(Task(plan.segments(Batch(0, 0, 3)), 1, "pytensor", 0))
    ended = train(compiled("pytensor", signature), restarts)
    s = c.settings.network
    net = Net(s.hidden, s.activation, s.output, "cross-entropy", "mean", c.table.inputs,
              c.table.targets, 0.01, s.skip, bias=False)  # fmt: skip
    assert net.size == c.architecture.n_parameters == s.n_parameters(2, 1)
    for number in range(3):
        path = plain_train(net, Rule("gradient-descent", 0.5), restarts.starts[:, number], STEPS)
        np.testing.assert_allclose(ended.state[:, number], path[-1], rtol=1e-11, atol=1e-12)
        found = outputs(c.architecture, c.table.inputs, path[-1][:, np.newaxis])
        np.testing.assert_allclose(found[0], net.outputs(path[-1]).ravel(), rtol=1e-11)


def test_a_report_has_the_outputs_and_losses_of_plain_numpy() -> None:
    (c,) = plan_of(hidden=[3]).configurations
    net = Net((3,), "sigmoid", "sigmoid", "cross-entropy", "mean", c.table.inputs, c.table.targets,
              0.01, bias=False)  # fmt: skip
    weights = np.random.default_rng(4).normal(size=(9, 5))
    losses = [net.loss(theta) for theta in weights.T]
    np.testing.assert_allclose(network_losses(c, weights), losses, rtol=1e-12)
    seen = network_outputs(c.architecture, weights[:, 0], c.table.inputs)
    np.testing.assert_allclose(seen, net.outputs(weights[:, 0]), rtol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_the_symmetries_that_are_left_keep_loss_and_canonical_form(activation) -> None:
    symmetries = Symmetries(
        Architecture(2, (3,), 1, activation, "sigmoid", bias=False), False, False
    )
    assert symmetries.order == (48 if activation == "tanh" else 6)
    net = Net((3,), activation, "sigmoid", "cross-entropy", "mean", XOR, TARGETS, bias=False)
    weights = np.random.default_rng(2).normal(size=(9, 6))
    signs = np.array([1.0, -1.0, -1.0]) if symmetries.flips(0) else None
    image = symmetries.transform(weights, 0, np.array([2, 0, 1]), signs)
    for theta, moved in zip(weights.T, image.T, strict=True):
        assert net.loss(moved) == pytest.approx(net.loss(theta), rel=1e-12)
    canonical = canonical_images(symmetries, weights)
    np.testing.assert_allclose(
        canonical_images(symmetries, image), canonical, rtol=1e-9, atol=1e-11
    )
    first = balanced(symmetries, weights)
    aligned = align(symmetries, first, balanced(symmetries, image))
    np.testing.assert_allclose(aligned, first, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("distribution", sorted(DISTRIBUTIONS))
def test_every_kind_of_start_leaves_the_biases_out(distribution) -> None:
    net = Architecture(2, (3,), 1, "tanh", "sigmoid", bias=False)
    drawn = Starts(1, net, distribution, 1.0).draw(0, 4)
    assert drawn.shape == (9, 4)
    assert net.array_names == ("W1", "W2")
    if distribution != "constant":
        assert (drawn != 0).all()


def test_true_is_the_same_as_nothing_and_false_is_another_configuration() -> None:
    ids = [plan_of(bias=bias).configurations[0].id for bias in (None, True, False)]
    assert ids[0] == ids[1] != ids[2]


def test_what_needs_biases_is_refused() -> None:
    source = {"name": "t", "problem": {"gate": "AND"}, "network": {"bias": False}}
    for more, text in (
        ({"init": {"bias": 0.0}}, "init.bias is 0.0; expected nothing with network.bias false."),
        ({"training": {"optimizer": "perceptron"}}, "network.bias is False; expected true with"),
    ):
        with pytest.raises(ExperimentError) as caught:
            load_experiment(source | more)
        assert text in str(caught.value)
