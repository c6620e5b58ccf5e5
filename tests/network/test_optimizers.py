"""The perceptron rule against a plain one; the other rules are tested in test_step.py."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

import runner
from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Segment
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.lanes import train
from runner.training.worker import Task, prepare

GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0], "NAND": [1, 1, 1, 0]}


def experiment(gate: str, passes: int = 40, **training) -> dict:
    return {
        "name": "perceptron",
        "restarts": 60,
        "problem": {"gate": gate},
        "network": {"hidden": [], "output": "step"},
        "loss": {"kind": "squared-error"},
        "training": {"optimizer": "perceptron", "max_steps": passes} | training,
    }


def endpoints(content: dict, **fields):
    (configuration,) = Plan(load_experiment(content)).configurations
    signature = configuration.signature()
    task = Task((Segment(configuration, 0, 60),), 1990, "pytensor", 0)
    work = prepare(task)
    return signature, work, train(compiled("pytensor", signature), work)


def one_pass(weights, inputs, targets, rate):
    """The rule as the textbooks have it, on numbers of any kind; weights end with the bias."""
    weights, mistakes = list(weights), 0
    for x, t in zip(inputs, targets, strict=True):
        z = weights[-1]
        for w, xi in zip(weights, x, strict=False):
            z = z + w * xi
        error = t - (1 if z > 0 else 0)
        if error:
            mistakes += 1
            weights = [w + rate * error * xi for w, xi in zip(weights, (*x, 1), strict=True)]
    return weights, mistakes


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_passes_are_those_of_the_textbook_rule(gate, rate) -> None:
    inputs = list(itertools.product((0, 1), repeat=2))
    signature, work, ended = endpoints(experiment(gate, learning_rate=rate))
    counted = signature.state.columns(ended.state)
    for k in range(60):
        weights, mistakes = work.starts[:, k].tolist(), 0
        for _ in range(40):
            weights, more = one_pass(weights, inputs, GATES[gate], rate)
            mistakes += more
        np.testing.assert_array_equal(ended.state[:3, k], weights)
        assert counted["mistakes"][k] == mistakes


def test_a_period_is_the_true_one() -> None:
    """In exact fractions: the first pass after which the weights come back, and never earlier."""
    inputs = list(itertools.product((0, 1), repeat=3))
    targets = [sum(x) % 2 for x in inputs]
    signature, work, ended = endpoints(experiment("PARITY-3", passes=300, learning_rate=0.5))
    periods = signature.state.columns(ended.state)["period"]
    for k in range(0, 60, 6):
        # exact sums: float64 rounds a start's last bits away, which moves no pass's mistakes here
        weights = [Fraction(w) for w in work.starts[:, k].tolist()]
        seen = {tuple(weights): 0}
        for step in range(1, 300):
            weights, _ = one_pass(weights, inputs, targets, Fraction(1, 2))
            if tuple(weights) in seen:
                break
            seen[tuple(weights)] = step
        assert periods[k] == step - seen[tuple(weights)]
    assert (periods > 0).all()


def test_and_and_or_are_learnt_within_the_bound_and_xor_cycles(tmp_path) -> None:
    content = experiment("AND", passes=200) | {"grid": {"problem.gate": ["AND", "OR", "XOR"]}}
    content["training"]["stop_solved"] = True
    study = runner.sweep(content, tmp_path / "study", workers=1)
    frame = study.restarts.droplevel("restart")
    assert (frame.loc[[0, 1], "label"] == "solved").all()
    assert (frame.loc[2, "label"] == "cycling").all()
    assert (frame.loc[2, "period"] > 0).all()
    assert (frame.loc[[0, 1], "period"] == 0).all()
    # Novikoff (1962), from any start: where w* parts the patterns with margins of 1 or more, each
    # mistake takes |s w* - w|^2 down by at least 2 s - R^2; with s = R^2 that is R^2.
    best = {0: np.array([2.0, 2.0, -3.0]), 1: np.array([2.0, 2.0, -1.0])}
    for gate, direction in best.items():
        radius2 = 3.0
        start = study.starts.loc[gate].to_numpy()
        distance2 = ((radius2 * direction - start) ** 2).sum(axis=1)
        assert (frame.loc[gate, "mistakes"].to_numpy() <= distance2 / radius2).all()
    assert (frame.loc[[0, 1], "steps"] < 200).all()
    assert (frame.loc[2, "steps"] == 200).all()
    assert study.summary["cycling"].tolist() == [0, 0, 60]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"network": {"hidden": [2], "output": "step"}}, "network.hidden is [2]; expected []"),
        (
            {"network": {"hidden": [], "output": "linear"}},
            "network.output is 'linear'; expected 's",
        ),
        ({"loss": {"kind": "squared-error", "l2": 0.1}}, "loss.l2 is 0.1; expected 0 with"),
        ({"problem": {"gate": "AND", "targets": [-1, 1]}}, "problem.targets is"),
        ({"problem": {"gate": "PARITY-8"}}, "expected at most 600 for rows times parameters"),
    ],
)
def test_what_the_rule_cannot_do_is_refused(change, text) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(experiment("AND") | change)
    assert text in str(caught.value)


def test_a_table_with_other_targets_is_refused(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n0,-1\n1,1\n")
    content = experiment("AND") | {"problem": {"table": str(tmp_path / "t.csv")}}
    with pytest.raises(ExperimentError, match=r"targets go from -1\.0 to 1\.0; expected 0 and 1"):
        _ = Plan(load_experiment(content)).configurations
