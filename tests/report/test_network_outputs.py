"""Networks in NumPy for pictures, against the plain trainer of the tests."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from support.plain import squash

from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.network.architecture import Architecture
from runner.report.figures.decision import draw_decision
from runner.report.network_outputs import network_losses, network_outputs


def forward(net: Architecture, theta: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """One network by whole matrices."""
    a, row = inputs, 0
    for layer, (units, fan_in) in enumerate(net.layers):
        last = layer == len(net.layers) - 1
        if last and net.skip and net.hidden:
            a = np.hstack([a, inputs])
        matrix = theta[row : row + units * fan_in].reshape(units, fan_in)
        row += units * fan_in
        z = a @ matrix.T + theta[row : row + units]
        row += units
        a = squash(net.output if last else net.activation, z)
    return a


@pytest.mark.parametrize("hidden", [(), (3,), (2, 3)])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("output", "n_out"), [("sigmoid", 1), ("linear", 2), ("softmax", 3)])
@pytest.mark.parametrize("skip", [False, True])
def test_outputs_at_any_input(hidden, activation, output, n_out, skip) -> None:
    net = Architecture(2, hidden, n_out, activation, output, skip)
    rng = np.random.default_rng(3)
    theta, inputs = rng.normal(size=net.n_parameters), rng.normal(size=(17, 2))
    inputs[0] = 0
    expected = forward(net, theta, inputs)
    np.testing.assert_allclose(
        network_outputs(net, theta, inputs), expected, rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "half-sum"])
@pytest.mark.parametrize("kind", ["cross-entropy", "squared-error"])
def test_losses_at_any_weights(kind: str, reduction: str) -> None:
    content = {
        "name": "s",
        "problem": {"gate": "OR"},
        "loss": {"kind": kind, "reduction": reduction, "l2": 0.01},
    }
    (configuration,) = Plan(load_experiment(content)).configurations
    rng = np.random.default_rng(4)
    theta = rng.normal(size=(configuration.architecture.n_parameters, 6))
    t = np.array([0.0, 1.0, 1.0, 1.0])[:, None]
    expected = []
    for column in theta.T:
        y = forward(configuration.architecture, column, configuration.table.inputs)
        squared, entropy = (y - t) ** 2, -(t * np.log(y) + (1 - t) * np.log(1 - y))
        total = (entropy if kind == "cross-entropy" else squared).sum()
        factor = {"mean": 1 / 4, "sum": 1.0, "half-sum": 0.5}[reduction]
        expected.append(factor * total + 0.01 * (column**2).sum())
    np.testing.assert_allclose(network_losses(configuration, theta), expected, rtol=1e-12)


@pytest.mark.parametrize(("gate", "marker", "bias"), [("TRUE", "o", 5.0), ("FALSE", "s", -5.0)])
def test_a_single_level_is_drawn_as_the_level_that_it_is(gate, marker, bias) -> None:
    """The other one is not among the targets, and yet is what the greys mean."""
    content = {"name": "t", "problem": {"gate": gate}, "network": {"hidden": []}}
    (c,) = Plan(load_experiment(content)).configurations
    axes = Figure().subplots()
    draw_decision(c, np.array([0.0, 0.0, bias]), axes, 10, 4)
    assert [line.get_marker() for line in axes.lines] == [marker] * 4
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array(), 1 / (1 + np.exp(-bias)))
