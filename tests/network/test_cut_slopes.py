"""`training.slopes = "cut"`: FANN's slopes beside plain NumPy's, and the loss's own gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.plain import Net, Rule
from support.plain import train as plain_train
from support.steps import differences

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.experiment.plan_notes import plan_notes
from runner.training.lanes import train
from runner.training.worker import Task, prepare

STEPS, RESTARTS, RATE = 6, 4, 0.3
NETWORKS = {
    "layers": {"hidden": [3, 2], "activation": ["tanh", "sigmoid"], "output": "tanh"},
    "all": {"hidden": [2, 2], "skip": "all", "bias": False},
    "frozen": {"hidden": [2, 2], "skip": "inputs", "freeze": ["b1", "W2"], "activation": "tanh"},
    "linear": {"hidden": [2, 2], "activation": ["linear", "tanh"], "output": "sigmoid"},
    "softmax": {"hidden": [2], "output": "softmax"},
    "single": {"hidden": []},
}
LOSSES = ("squared-error", "cross-entropy", "tanh-error")
CASES = [
    ("pytensor", "lanes", name, loss, "float64")
    for i, name in enumerate(NETWORKS)
    for loss in dict.fromkeys(["squared-error", LOSSES[i % 3]])
    if (name, loss) not in {("softmax", "tanh-error")}
] + [
    ("pytensor", "lanes", "layers", "squared-error", "float32"),
    ("pytensor", "matrices", "all", "squared-error", "float64"),
    ("pytensor", "matrices", "frozen", "squared-error", "float32"),
    ("pytensor-jax", "stacked", "layers", "squared-error", "float64"),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> str:
    """XOR and what it is not, of inputs that are no corners of a square."""
    path = tmp_path_factory.mktemp("cut") / "xor.csv"
    path.write_text("a,b,y0,y1\n0,0,1,0\n0,1.5,0,1\n1,-0.5,0,1\n1,1,1,0\n0,0.5,1,0\n")
    return str(path)


def planned(table, network, loss="squared-error", l2=0.001, **training) -> Plan:
    return Plan(
        load_experiment(
            {
                "name": "cut",
                "restarts": RESTARTS,
                "problem": {"table": table},
                "network": network,
                # Wide, so that units are beyond what is cut.
                "init": {"scale": 6.0},
                "loss": {"kind": loss, "l2": l2},
                "training": {"learning_rate": RATE, "max_steps": STEPS} | training,
            }
        )
    )


def net_of(plan: Plan, rows=slice(None)) -> Net:
    (c,) = plan.configurations
    n = c.settings.network
    return Net(
        n.hidden,
        n.activation,
        n.output,
        c.settings.loss.kind,
        "mean",
        c.table.inputs[rows],
        c.table.targets[rows],
        0.001,
        n.skip,
        n.has_biases,
        n.freeze or (),
        cut_slopes=c.settings.training.slopes == "cut",
    )


def trained(plan: Plan, engine="pytensor", layout="lanes"):
    (c,) = plan.configurations
    signature = replace(c.signature(), n_lanes=RESTARTS, n_steps=STEPS, layout=layout)
    work = prepare(Task(plan.segments(Batch(0, 0, RESTARTS)), 1, engine, 0))
    return work, train(compiled(engine, signature), work)


@pytest.mark.parametrize(("engine", "layout", "name", "loss", "dtype"), CASES)
def test_training_is_that_of_plain_numpy(table, engine, layout, name, loss, dtype) -> None:
    if engine == "pytensor-jax":
        pytest.importorskip("jax")
    plan = planned(table, NETWORKS[name], loss, slopes="cut", dtype=dtype)
    work, ended = trained(plan, engine, layout)
    net, parted = net_of(plan), 0
    exact = {"float64": 1e-10, "float32": 2e-5}[dtype]
    for restart in range(RESTARTS):
        start = work.starts[:, restart].astype(dtype).astype(float)
        path = plain_train(net, Rule("gradient-descent", RATE), start, STEPS)
        found = ended.state[: net.size, restart]
        np.testing.assert_allclose(found, path[-1], rtol=exact, atol=exact)
        # What is told of an endpoint is the gradient of its loss; the next step is a cut one.
        there = found.astype(float)
        seen = ended.seen.gradient[:, restart]
        np.testing.assert_allclose(seen, differences(net.loss, there) * net.trained, atol=1e-7)
        after = plain_train(net, Rule("gradient-descent", RATE), there, 1)[-1]
        np.testing.assert_allclose(ended.seen.moved[:, restart], after, rtol=1e-9, atol=1e-11)
        parted += not np.allclose(net.gradient(start), net.gradient(start, cut=True), rtol=0.01)
    assert parted or (name, loss) == ("single", "cross-entropy")


@pytest.mark.parametrize("size", [1, 2])
def test_updates_on_some_patterns_have_cut_slopes_too(table, size) -> None:
    per_epoch = -(-5 // size)
    options = {"slopes": "cut", "patterns_per_update": size, "max_steps": 3 * per_epoch}
    plan = planned(table, NETWORKS["layers"], **options)
    work, ended = trained(plan)
    for restart in range(RESTARTS):
        theta, rule = work.starts[:, restart], Rule("gradient-descent", RATE)
        for _ in range(3):
            for first in range(0, 5, size):
                part = net_of(plan, slice(first, first + size))
                theta = rule.step(theta, part.gradient(theta, cut=True))
        np.testing.assert_allclose(ended.state[: len(theta), restart], theta, rtol=1e-10)


def test_a_stop_by_the_gradient_looks_at_that_of_the_loss(table) -> None:
    """A saturated unit's gradient is all but 0; what moves it is not."""
    options = {"slopes": "cut", "stop_gradient": 1e-9, "max_steps": 50}
    plan = planned(table, {"hidden": []}, l2=0.0, **options)
    (c,) = plan.configurations
    work = prepare(Task(plan.segments(Batch(0, 0, RESTARTS)), 1, "pytensor", 0))
    far = np.repeat([[0.0]] * 4 + [[60.0]] * 2, RESTARTS, axis=1)
    ended = train(compiled("pytensor", c.signature()), replace(work, starts=far))
    assert (ended.steps == 0).all()


def test_slopes_written_as_exact_are_those_of_an_experiment_that_says_nothing(table) -> None:
    said, silent = (
        trained(planned(table, NETWORKS["layers"], **options))[1]
        for options in ({"slopes": "exact"}, {})
    )
    np.testing.assert_array_equal(said.state, silent.state)


@pytest.mark.parametrize(
    ("network", "loss"),
    [
        *((name, loss) for name in NETWORKS for loss in LOSSES),
        ({"hidden": [2], "activation": "relu"}, "cross-entropy"),
        ({"hidden": [2], "activation": "relu"}, "squared-error"),
        ({"hidden": [2], "activation": "leaky-relu", "output": "linear"}, "squared-error"),
        ({"hidden": [2], "activation": "relu", "output": "softmax"}, "squared-error"),
        ({"hidden": [2, 2], "output": "linear", "freeze": ["W1", "b1"]}, "squared-error"),
        (
            {"hidden": [2, 2], "activation": ["tanh", "relu"], "freeze": ["W1", "b1"]},
            "cross-entropy",
        ),
    ],
)
def test_a_plan_says_where_no_slope_is_cut(table, network, loss) -> None:
    """Beside plain NumPy's gradients, with slopes that are cut and exact."""
    network = NETWORKS[network] if isinstance(network, str) else network
    if loss == "tanh-error" and network.get("output") == "softmax":
        return  # refused
    if loss == "cross-entropy" and network.get("output", "sigmoid") not in ("sigmoid", "softmax"):
        return  # refused likewise
    plan = planned(table, network, loss, slopes="cut")
    (c,) = plan.configurations
    net, starts = net_of(plan), c.starts(1).draw(0, RESTARTS)
    parted = any(
        not np.array_equal(net.gradient(start) * net.trained, net.gradient(start, cut=True))
        for start in starts.T
    )
    says = [note for note in plan_notes(plan.configurations) if "training.slopes is 'cut'" in note]
    assert bool(says) != parted


def test_of_a_grid_it_is_said_of_how_many(table) -> None:
    grid = {"network.activation": ["relu", "tanh"], "training.slopes": ["exact", "cut"]}
    raw = {"name": "t", "problem": {"gate": "XOR"}, "grid": grid}
    (note,) = plan_notes(Plan(load_experiment(raw)).configurations)
    assert "cuts no slope in 1 of 4 configurations, so that they train as with 'exact'" in note


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (
            {"training": {"slopes": "cut", "optimizer": "lbfgs"}},
            "training.slopes is 'cut'; expected 'exact' with training.optimizer 'lbfgs', whose",
        ),
        (
            {
                "training": {"slopes": "cut", "optimizer": "perceptron"},
                "network": {"hidden": [], "output": "step"},
            },
            "training.slopes is 'cut'; expected 'exact' with training.optimizer 'perceptron'",
        ),
        (
            {"training": {"slopes": "cut"}, "network": {"model": "own.py:loss"}},
            "training.slopes is 'cut'; expected 'exact' with network.model",
        ),
        ({"training": {"slopes": "steep"}}, "training.slopes is 'steep'; expected"),
    ],
)
def test_where_no_slopes_can_be_cut_it_is_refused(sections, words) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment({"name": "t", "problem": {"gate": "XOR"}} | sections)
    assert words in str(caught.value)
