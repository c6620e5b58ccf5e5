"""Updates on some patterns, orders, schedules and constants: plain NumPy does the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize
from support.plain import Net, Rule
from support.plain import train as train_plain

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.network.shuffle import first_states
from runner.training.lanes import train
from runner.training.worker import Task, prepare

RESTARTS, EPOCHS, SEED = 6, 3, 11
TOLERANCES = {"float64": 1e-11, "float32": 2e-5}


def planned(network=None, problem=None, **training) -> Plan:
    return Plan(
        load_experiment(
            {
                "name": "updates",
                "restarts": RESTARTS,
                "seed": SEED,
                "problem": problem or {"gate": "XOR"},
                "network": network or {},
                "loss": {"kind": "squared-error", "l2": 0.01},
                "training": training,
            }
        )
    )


def ended(plan: Plan, engine: str = "pytensor"):
    (configuration,) = plan.configurations
    work = prepare(Task(plan.segments(Batch(0, 0, RESTARTS)), SEED, engine, RESTARTS))
    return configuration, work, train(compiled(engine, configuration.signature()), work)


def orders(restart: int, n: int, epochs: int) -> list[list[int]]:
    """Wichmann and Hill's generator in whole numbers and fractions, and Fisher and Yates' order."""
    states = [int(x) for x in first_states(SEED, restart, restart + 1)[:, 0]]
    moduli = (30269, 30307, 30323)
    found = []
    for _ in range(epochs):
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            states = [a * x % m for a, x, m in zip((171, 172, 170), states, moduli, strict=True)]
            uniform = sum(Fraction(x, m) for x, m in zip(states, moduli, strict=True)) % 1
            other = int(uniform * (last + 1))
            order[last], order[other] = order[other], order[last]
        found.append(order)
    return found


def plain(configuration, theta, size, restart, rule, factor=lambda step: 1.0):
    """Weights after every epoch, one restart and one update at a time."""
    training, table = configuration.settings.training, configuration.table
    n = table.n_patterns
    shuffled = orders(restart, n, EPOCHS) if training.order == "shuffled" else None
    step, path = 0, []
    for epoch in range(EPOCHS):
        order = shuffled[epoch] if shuffled else range(n)
        for first in range(0, n, size):
            some = list(order)[first : first + size]
            inputs, targets = table.inputs[some], table.targets[some]
            net = Net((2,), "sigmoid", "sigmoid", "squared-error", "mean", inputs, targets, 0.01)
            rule.rate = training.learning_rate * factor(step)
            theta = rule.step(theta, net.gradient(theta))
            step += 1
        path.append(theta)
    return path


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("order", ["file", "shuffled"])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_an_epoch_goes_through_the_patterns_in_parts(size, order, dtype) -> None:
    per_epoch = -(-4 // size)
    plan = planned(
        optimizer="momentum",
        learning_rate=0.5,
        momentum=0.6,
        patterns_per_update=size,
        order=order,
        max_steps=EPOCHS * per_epoch,
        dtype=dtype,
    )
    configuration, work, found = ended(plan)
    assert (found.steps == EPOCHS * per_epoch).all()
    for restart in range(RESTARTS):
        theta = work.starts[:, restart].astype(dtype).astype(float)
        path = plain(configuration, theta, size, restart, Rule("momentum", 0.5, 0.6))
        tolerance = TOLERANCES[dtype]
        np.testing.assert_allclose(
            found.state[:9, restart], path[-1], rtol=tolerance, atol=tolerance
        )
        steps, _ = found.curves.of(restart)
        assert steps.tolist() == [epoch * per_epoch for epoch in range(EPOCHS + 1)]


def test_the_order_is_that_of_the_restart_whatever_else_is_trained() -> None:
    arrays = [first_states(SEED, *span) for span in ((0, 10), (3, 7))]
    np.testing.assert_array_equal(arrays[0][:, 3:7], arrays[1])
    assert len({tuple(column) for column in first_states(SEED, 0, 1000).T}) == 1000
    counts = np.zeros((4, 4), int)
    for restart in range(600):
        for place, pattern in enumerate(orders(restart, 4, 1)[0]):
            counts[place, pattern] += 1
    expected, spread = 150, np.sqrt(600 * 0.25 * 0.75)
    assert (abs(counts - expected) < 5 * spread).all()


@pytest.mark.parametrize("engine", ["pytensor-jax", "pytensor-numba"])
def test_other_engines_shuffle_alike(engine, tmp_path) -> None:
    if engine == "pytensor-jax":
        pytest.importorskip("jax")
    # of which the order is seen as well, and which is soon compiled
    table, one_unit = tmp_path / "three.csv", {"hidden": []}
    table.write_text("a,y\n0,0\n1,1\n2,0\n")
    every = {"patterns_per_update": 1, "order": "shuffled", "max_steps": 30, "dtype": "float32"}
    plan = planned(one_unit, {"table": str(table)}, **every)
    _, _, own = ended(plan)
    _, _, other = ended(plan, engine)
    # another order would be far off after ten epochs at rate 1
    np.testing.assert_array_equal(own.state[-3:], other.state[-3:])
    np.testing.assert_allclose(own.state[:2], other.state[:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "constants"),
    [
        ("adam", {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3}),
        ("adam", {"epsilon_hat": True, "epsilon": 1e-2}),
        ("rmsprop", {"decay": 0.7, "epsilon": 1e-2}),
        ("rmsprop", {"epsilon_in_root": True, "epsilon": 1e-2}),
        ("rprop", {"increase": 1.5, "decrease": 0.3, "largest_step": 0.2}),
        ("rprop-plus", {"increase": 1.5, "decrease": 0.3, "smallest_step": 0.05}),
        ("quickprop", {"largest_growth": 1.2, "at_rest": 0.01}),
        ("lbfgs", {"largest_step": 0.05}),
    ],
)
def test_constants_are_used(optimizer, constants) -> None:
    training = {"optimizer": optimizer, "learning_rate": 0.1, "max_steps": 12} | constants
    configuration, work, found = ended(planned(**training))
    table, told_apart = configuration.table, 0
    for restart in range(RESTARTS):
        rule = Rule(optimizer, 0.1, constants={k: float(v) for k, v in constants.items()})
        net = Net(
            (2,), "sigmoid", "sigmoid", "squared-error", "mean", table.inputs, table.targets, 0.01
        )
        start = work.starts[:, restart]
        theta, usual = (train_plain(net, r, start, 12)[-1] for r in (rule, Rule(optimizer, 0.1)))
        tolerances = {"rtol": 1e-9, "atol": 1e-11}
        np.testing.assert_allclose(found.state[:9, restart], theta, **tolerances)
        told_apart += not np.allclose(theta, usual, **tolerances)
    assert told_apart


def test_a_schedule_changes_the_rate_at_every_update() -> None:
    plan = planned(
        learning_rate=2.0,
        rate_schedule="exponential:0.8",
        patterns_per_update=1,
        max_steps=4 * EPOCHS,
    )
    configuration, work, found = ended(plan)
    rule = Rule("gradient-descent", 2.0)
    path = plain(configuration, work.starts[:, 0], 1, 0, rule, lambda step: 0.8**step)
    np.testing.assert_allclose(found.state[:9, 0], path[-1], rtol=1e-10)


def test_momentum_follows_its_schedule() -> None:
    training = {"optimizer": "momentum", "learning_rate": 0.5, "momentum": 1.0, "max_steps": 8}
    configuration, work, found = ended(planned(**training, momentum_schedule="points:4=0.5"))
    table, rule = configuration.table, Rule("momentum", 0.5)
    net = Net(
        (2,), "sigmoid", "sigmoid", "squared-error", "mean", table.inputs, table.targets, 0.01
    )
    theta = work.starts[:, 0]
    for step in range(8):
        rule.momentum = 1.0 if step < 4 else 0.5
        theta = rule.step(theta, net.gradient(theta))
    np.testing.assert_allclose(found.state[:9, 0], theta, rtol=1e-10)


def test_lbfgs_ends_at_the_minima_that_scipy_finds() -> None:
    plan = Plan(
        load_experiment(
            {
                "name": "minima",
                "restarts": 200,
                "problem": {"gate": "XOR", "inputs": [-1, 1], "targets": [-0.8, 0.8]},
                "network": {"activation": "tanh", "output": "tanh"},
                "loss": {"kind": "squared-error", "reduction": "sum", "l2": 0.05},
                "training": {
                    "optimizer": "lbfgs",
                    "learning_rate": 0.1,
                    "max_steps": 1000,
                    "stop_gradient": 1e-9,
                },
            }
        )
    )
    (configuration,) = plan.configurations
    work = prepare(Task(plan.segments(Batch(0, 0, 200)), plan.experiment.seed, "pytensor", 0))
    found = train(compiled("pytensor", configuration.signature()), work)
    assert (np.abs(found.seen.gradient).max(axis=0) <= 1e-9).all()
    assert (found.steps < 1000).all()
    table = configuration.table
    net = Net((2,), "tanh", "tanh", "squared-error", "sum", table.inputs, table.targets, 0.05)
    wanted = set()
    for start in work.starts[:, :60].T:
        ended = minimize(net.loss, start, jac=net.gradient, method="BFGS", options={"gtol": 1e-7})
        wanted.add(round(float(ended.fun), 6))
    assert {round(loss, 6) for loss in found.seen.loss.tolist()} == wanted


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"beta1": 0.8}, "training.beta1 is 0.8; expected nothing with training.optimizer"),
        ({"optimizer": "rmsprop", "momentum": 0.5}, "training.momentum is 0.5; expected 0"),
        ({"order": "shuffled"}, "nothing without training.patterns_per_update"),
        ({"patterns_per_update": 5}, "expected at most 4, as many as there are patterns"),
        ({"patterns_per_update": 1, "max_steps": 10}, "such as 8 or 12"),
        ({"optimizer": "lbfgs", "patterns_per_update": 1}, "which compares losses"),
        ({"rate_schedule": "linear:2"}, "expected a schedule: 'step:FACTOR:EVERY'"),
        (
            {"rate_schedule": "inverse:1", "dtype": "float32", "max_steps": 2**24 + 1},
            "expected at most 16777216 with a schedule in float32",
        ),
        (
            {"optimizer": "rprop", "smallest_step": 1.0, "largest_step": 0.5},
            "expected at most training.largest_step, 0.5",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(training, words) -> None:
    with pytest.raises(ExperimentError, match="training") as caught:
        planned(**training)
    assert words in str(caught.value)


def test_long_epochs_are_refused_by_their_size() -> None:
    with pytest.raises(ExperimentError, match="256 patterns and 91 parameters; expected at most"):
        load_experiment(
            {
                "name": "long",
                "problem": {"gate": "PARITY-8"},
                "network": {"hidden": [9], "output": "sigmoid"},
                "training": {"patterns_per_update": 1, "max_steps": 256},
            }
        )


def test_settings_that_are_left_out_are_no_part_of_a_configuration() -> None:
    (configuration,) = planned().configurations
    assert set(configuration.settings.canonical()["training"]) == {
        "optimizer",
        "learning_rate",
        "momentum",
        "max_steps",
        "stop_solved",
        "stop_loss",
        "stop_gradient",
        "dtype",
    }
