"""Shortcuts, activations for each layer and frozen arrays: trained beside plain NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.plain import Net, Rule
from support.plain import train as plain_train
from support.steps import check_step, differences

from runner.engines.registry import compiled, measured
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import spectrum
from runner.landscape.options import AnalysisOptions
from runner.network.architecture import Architecture
from runner.network.forward import outputs
from runner.network.optimizers.registry import OPTIMIZERS
from runner.training.lanes import train
from runner.training.worker import Task, prepare

STEPS = 5
NETWORKS = {
    "inputs": {"hidden": [2, 3], "skip": "inputs", "activation": "tanh"},
    "all": {"hidden": [2, 3, 2], "skip": "all", "bias": False},
    "layers": {"hidden": [3, 2], "activation": ["tanh", "leaky-relu"]},
    "frozen": {"hidden": [3], "freeze": ["W1", "b1"], "activation": "tanh"},
    "everything": {
        "hidden": [2, 2],
        "activation": ["sigmoid", "leaky-relu"],
        "skip": "all",
        "freeze": ["b1", "W2"],
    },
}
FEWER_UNITS = NETWORKS["everything"] | {"hidden": [2, 1]}
"""For engines that take long to compile."""


def plan_of(network, l2_biases=True, **training) -> Plan:
    experiment = {
        "name": "t",
        "restarts": 3,
        "problem": {"gate": "XOR"},
        "network": network,
        "loss": {"l2": 0.01, "l2_biases": l2_biases},
        "training": {"max_steps": STEPS, "learning_rate": 0.2, **training},
    }
    return Plan(load_experiment(experiment))


def net_of(c) -> Net:
    n = c.settings.network
    return Net(
        n.hidden,
        n.activation,
        n.output,
        "cross-entropy",
        "mean",
        c.table.inputs,
        c.table.targets,
        0.01,
        n.skip,
        n.has_biases,
        n.freeze or (),
        c.settings.loss.has_bound_biases,
    )


def check(network, engine, layout, **training) -> None:
    plan = plan_of(network, **training)
    (c,) = plan.configurations
    signature = replace(c.signature(), n_lanes=3, n_steps=STEPS, layout=layout)
    restarts = prepare(Task(plan.segments(Batch(0, 0, 3)), 1, engine, 0))
    ended = train(compiled(engine, signature), restarts)
    net = net_of(c)
    assert net.size == c.architecture.n_parameters == c.settings.network.n_parameters(2, 1)
    for number in range(3):
        start = restarts.starts[:, number]
        rule = Rule(c.settings.training.optimizer, 0.2, c.settings.training.momentum)
        path = plain_train(net, rule, start, STEPS)
        found = ended.state[: net.size, number]
        np.testing.assert_allclose(found, path[-1], rtol=1e-10, atol=1e-11)
        frozen = ~c.architecture.trained
        np.testing.assert_array_equal(found[frozen], start[frozen])
        seen = outputs(c.architecture, c.table.inputs, start[:, np.newaxis])
        np.testing.assert_allclose(seen[0], net.outputs(start).ravel(), rtol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_is_that_of_plain_numpy(name) -> None:
    check(NETWORKS[name], "pytensor", "lanes")


def test_an_l2_term_may_leave_out_the_biases() -> None:
    check(NETWORKS["frozen"], "pytensor", "lanes", l2_biases=False)


@pytest.mark.parametrize(
    ("engine", "layout"),
    [
        ("pytensor", "matrices"),
        ("pytensor-jax", "lanes"),
        ("pytensor-jax", "stacked"),
        ("pytensor-numba", "lanes"),
        ("pytensor-numba", "stacked"),
    ],
)
# of the columns of a matrix that one source feeds, which Numba would rather have copied
@pytest.mark.filterwarnings("ignore:np.dot\\(\\) is faster on contiguous")
def test_other_backends_and_layouts_train_the_same(engine, layout) -> None:
    check(FEWER_UNITS, engine, layout, l2_biases=False)


@pytest.mark.parametrize("optimizer", [n for n, rule in OPTIMIZERS.items() if not rule.by_pattern])
def test_no_optimizer_moves_what_is_frozen(optimizer, xor, restarts) -> None:
    frozen = Architecture(2, (3,), 1, "tanh", "sigmoid", frozen=("W1", "b2"))
    signature = replace(xor(optimizer=optimizer, n_lanes=3, regularised=True), architecture=frozen)
    momentum = 0.6 if OPTIMIZERS[optimizer].takes_momentum else 0.0
    check_step(signature, restarts, l2=0.02, momentum=momentum, rate=0.1)


def test_nothing_frozen_moves_in_updates_on_some_patterns() -> None:
    plan = plan_of(NETWORKS["frozen"], patterns_per_update=1, max_steps=20, order="shuffled")
    (c,) = plan.configurations
    restarts = prepare(Task(plan.segments(Batch(0, 0, 3)), 1, "pytensor", 0))
    ended = train(compiled("pytensor", c.signature()), restarts)
    moved = (ended.state[: c.architecture.n_parameters] != restarts.starts).all(axis=1)
    np.testing.assert_array_equal(moved, c.architecture.trained)


@pytest.mark.parametrize("network", [NETWORKS["frozen"], NETWORKS["everything"]])
def test_gradients_and_hessians_are_differences_of_the_loss(network) -> None:
    (c,) = plan_of(network).configurations
    signature, net = c.signature().measured, net_of(c)
    theta = np.random.default_rng(3).normal(size=net.size)
    np.testing.assert_allclose(
        net.gradient(theta), differences(net.loss, theta) * net.trained, rtol=1e-5, atol=1e-8
    )
    hyper, targets = c.hyper[:, np.newaxis], c.table.targets.reshape(-1, 1)
    surface = LossSurface(measured("pytensor", signature), hyper, targets)
    at = theta[:, np.newaxis]
    np.testing.assert_allclose(surface.values(at).gradient[:, 0], net.gradient(theta), atol=1e-13)
    wanted = differences(net.gradient, theta) * net.trained[:, np.newaxis]
    hessian = surface.hessian(at)[:, :, 0]
    np.testing.assert_allclose(hessian, wanted, rtol=1e-4, atol=1e-7)
    free = np.flatnonzero(net.trained)
    found = spectrum(surface, at, AnalysisOptions().null_tolerance)
    np.testing.assert_allclose(
        found.values[0], np.linalg.eigvalsh(hessian[np.ix_(free, free)]), rtol=1e-12, atol=1e-14
    )
    step = found.step(net.gradient(theta)[:, np.newaxis])
    assert (step[net.trained == 0] == 0).all()


def test_the_three_shortcuts_of_one_hidden_layer_are_one() -> None:
    for skip in (True, "inputs", "all"):
        assert Architecture(2, (2,), 1, "tanh", "sigmoid", skip).layers == ((2, 2), (1, 4))


def test_what_is_not_set_leaves_no_trace() -> None:
    plain, unset = (plan_of(network).configurations[0] for network in ({}, {"freeze": None}))
    assert plain.id == unset.id
    assert "freeze" not in plain.settings.canonical()["network"]
    assert plan_of({"freeze": ["W1"]}).configurations[0].id != plain.id


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"network": {"freeze": ["W3"]}},
            "network.freeze is ['W3']; expected some of 'W1', 'b1', 'W2', 'b2', but not all.",
        ),
        ({"network": {"hidden": [], "freeze": ["W1", "b1"]}}, "some of 'W1', 'b1', but not all"),
        ({"network": {"freeze": ["W1", "W1"]}}, "network.freeze is ['W1', 'W1']; expected some of"),
        (
            {"network": {"activation": ["tanh", "relu"]}},
            "network.activation is ['tanh', 'relu']; expected a name, or a list of 1, one for each "
            "hidden layer (values that are crossed stand under [grid]).",
        ),
        ({"network": {"hidden": [], "activation": ["tanh"]}}, "expected a name (values that"),
        (
            {
                "network": {"hidden": [], "output": "step", "freeze": ["b1"]},
                "loss": {"kind": "squared-error"},
                "training": {"optimizer": "perceptron"},
            },
            "network.freeze is ['b1']; expected nothing with training.optimizer 'perceptron'.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(more, text) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment({"name": "t", "problem": {"gate": "AND"}} | more)
    assert text in str(caught.value)
