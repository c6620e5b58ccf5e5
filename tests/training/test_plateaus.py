"""Plateaus: plain NumPy begins again, or adds noise, at the same steps and comes to the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.plain import Net, Rule

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.curves import checkpoints
from runner.training.lanes import train
from runner.training.worker import Task, prepare, train_batch

RESTARTS, SEED = 24, 5
MOMENTUM = {"optimizer": "momentum", "momentum": 0.8, "learning_rate": 0.5}
NEW_START = MOMENTUM | {
    "max_steps": 430,
    "stop_solved": True,
    "plateau": "new-start",
    "plateau_steps": 60,
    "plateau_fall": 0.05,
}
PERTURB = NEW_START | {"plateau": "perturb", "plateau_noise": 0.8}


def plan_of(training: dict, **sections) -> Plan:
    content = {"name": "plateaus", "restarts": RESTARTS, "seed": SEED, "problem": {"gate": "XOR"}}
    return Plan(load_experiment(content | sections | {"training": training}))


def segments_of(plan: Plan, start: int = 0, stop: int = RESTARTS):
    return plan.segments(Batch(0, start, stop))


def ended(plan: Plan, engine: str = "pytensor", n_curves: int = 0, start=0, stop=RESTARTS):
    (configuration,) = plan.configurations
    task = Task(segments_of(plan, start, stop), SEED, engine, n_curves)
    return train(compiled(engine, configuration.signature()), prepare(task))


def plain(configuration, restart: int) -> tuple[np.ndarray, int, int]:
    """Weights, steps and how often it was moved, one restart and one step at a time."""
    training, table = configuration.settings.training, configuration.table
    net = Net((2,), "sigmoid", "sigmoid", "cross-entropy", "mean", table.inputs, table.targets)
    net.frozen = tuple(configuration.settings.network.freeze or ())
    stream = configuration.starts(SEED)

    def drawn(what: str, attempt: int) -> np.ndarray:
        return getattr(replace(stream, attempt=attempt), what)(restart, restart + 1)[:, 0]

    def rule() -> Rule:
        return Rule(training.optimizer, training.learning_rate, training.momentum)

    theta, optimizer, moved = drawn("draw", 0), rule(), 0
    before = net.loss(theta)
    for step in range(training.max_steps):
        if step and step % training.plateau_steps == 0:
            loss = net.loss(theta)
            if loss > (1 - training.plateau_fall) * before and not net.solved(theta, 0.5):
                moved += 1
                optimizer = rule()
                if training.plateau == "new-start":
                    theta = drawn("draw", moved)
                else:
                    noise = training.plateau_noise * drawn("noise", moved)
                    theta = theta + noise * net.trained
            before = net.loss(theta)
        if training.stop_solved and net.solved(theta, 0.5):
            return theta, step, moved
        theta = optimizer.step(theta, net.gradient(theta))
    return theta, training.max_steps, moved


@pytest.mark.parametrize("training", [NEW_START, PERTURB], ids=["new-start", "perturb"])
@pytest.mark.parametrize("freeze", [[], ["b1"]], ids=["all", "frozen"])
def test_plain_numpy_is_moved_at_the_same_steps(training, freeze) -> None:
    plan = plan_of(training, network={"freeze": freeze} if freeze else {})
    (configuration,) = plan.configurations
    found = ended(plan, n_curves=6)
    for restart in range(RESTARTS):
        theta, steps, moved = plain(configuration, restart)
        assert (found.steps[restart], found.plateaus[restart]) == (steps, moved)
        np.testing.assert_allclose(found.state[:9, restart], theta, rtol=1e-9, atol=1e-9)
    assert len(set(found.plateaus.tolist())) >= 3
    assert found.solved.any()
    # Curves go on over the moves, at their own steps.
    for restart in range(6):
        steps, _ = found.curves.of(restart)
        due = [int(c) for c in checkpoints(430) if c < found.steps[restart]]
        assert steps.tolist() == [*due, found.steps[restart]]


@pytest.mark.parametrize("training", [NEW_START, PERTURB], ids=["new-start", "perturb"])
def test_bits_do_not_depend_on_batches_curves_or_refilled_lanes(training) -> None:
    plan = plan_of(training | {"dtype": "float32"})
    whole = ended(plan, n_curves=5)
    parts = [ended(plan, start=a, stop=b) for a, b in ((0, 7), (7, 8), (8, RESTARTS))]
    for name in ("state", "steps", "plateaus", "solved"):
        joined = np.concatenate([getattr(part, name) for part in parts], axis=-1)
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_an_engine_that_refills_lanes_moves_the_same_restarts() -> None:
    (a, b) = (ended(plan_of(PERTURB), engine) for engine in ("pytensor", "pytensor-jax"))
    np.testing.assert_array_equal(a.steps, b.steps)
    np.testing.assert_array_equal(a.plateaus, b.plateaus)
    np.testing.assert_allclose(a.state[:9], b.state[:9], rtol=1e-8, atol=1e-8)


def test_where_nothing_is_a_plateau_nothing_changes() -> None:
    """Pauses alone leave the bits as they are, also in the middle of epochs' orders."""
    base = {
        "learning_rate": 0.3,
        "max_steps": 400,
        "patterns_per_update": 1,
        "order": "shuffled",
        "rate_schedule": "inverse:0.01",
    }
    plan = plan_of(base)
    paused = plan_of(base | {"plateau": "perturb", "plateau_steps": 8, "plateau_fall": 1e-300})
    (a, b) = (ended(each) for each in (plan, paused))
    still = b.plateaus == 0
    assert still.any()
    np.testing.assert_array_equal(a.state[:, still], b.state[:, still])


def test_a_restart_in_which_a_rule_holds_is_left_to_it() -> None:
    """The gradient is under its threshold at the start: no noise, no step."""
    training = {"max_steps": 50, "plateau": "perturb", "plateau_steps": 10, "plateau_fall": 1}
    found = ended(plan_of(training | {"stop_gradient": 100.0}))
    assert not found.steps.any()
    found = ended(plan_of(training | {"stop_loss": 1e-12}))
    assert (found.plateaus <= 4).all()  # none at the end of the budget
    assert found.plateaus.max() == 4


def test_a_shard_counts_what_was_done() -> None:
    from runner.training.shards import decode

    for training, column in ((NEW_START, "new_starts"), (PERTURB, "perturbations")):
        plan = plan_of(training)
        table = decode(train_batch(Task(segments_of(plan), SEED, "pytensor", 0)).shard)
        counts = ended(plan).plateaus
        assert table[column].to_pylist() == counts.tolist()


@pytest.mark.parametrize(
    ("training", "init", "words"),
    [
        ({"plateau_steps": 10}, {}, "nothing without training.plateau"),
        ({"plateau": "new-start", "plateau_noise": 1.0}, {}, "nothing with training.plateau 'new"),
        ({"plateau": "new-start"}, {"distribution": "constant"}, "whose starts are the same again"),
        (
            {"plateau": "perturb", "patterns_per_update": 1, "plateau_steps": 10},
            {},
            "training.plateau_steps is 10; expected whole epochs of 4 steps each, such as 8 or 12",
        ),
        ({"plateau": "restart"}, {}, "Did you mean 'new-start'?"),
    ],
)
def test_what_makes_no_sense_is_refused(training, init, words) -> None:
    with pytest.raises(ExperimentError) as caught:
        plan_of(training, init=init)
    assert words in str(caught.value)


def test_a_new_start_is_another_stream_for_every_attempt_and_restart() -> None:
    (configuration,) = plan_of(NEW_START).configurations
    base = configuration.starts(SEED)
    columns = [replace(base, attempt=k).draw(0, 50) for k in range(4)]
    columns += [replace(base, attempt=k).noise(0, 50) for k in range(1, 4)]
    together = np.concatenate(columns, axis=1)
    assert len({tuple(column) for column in together.T}) == together.shape[1]
    many = replace(base, attempt=1).noise(0, 4000)
    assert abs(many.mean()) < 5 / np.sqrt(many.size)
    assert abs(many.std() - 1) < 5 / np.sqrt(2 * many.size)
    np.testing.assert_array_equal(replace(base, attempt=2).noise(7, 9), columns[5][:, 7:9])
