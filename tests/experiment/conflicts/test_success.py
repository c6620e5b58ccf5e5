"""What solved means, by choice: the rules between fields, and what training makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runner
from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan

XOR: dict[str, Any] = {"name": "t", "restarts": 60, "problem": {"gate": "XOR"}}


def with_fields(changes: dict[str, Any]) -> Plan:
    return Plan(load_experiment(XOR, changes=changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problem.solved": "tolerance"}, "is 'tolerance'; expected a problem.tolerance with it."),
        ({"problem.solved": "loss"}, "expected a training.stop_loss with it"),
        ({"problem.solved": "class"}, "expected network.output 'softmax' with it, of a gate."),
        (
            {"problem.solved": "side", "problem.tolerance": 0.1},
            "nothing with problem.solved",
        ),
        (
            {"problem.tolerance": 0.1, "network.output": "softmax"},
            "whose largest output counts, unless problem.solved is 'tolerance'.",
        ),
    ],
)
def test_rules_between_fields(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(XOR, changes=changes)
    assert message in str(caught.value)


def test_classes_are_one_hot(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y0,y1\n0,1,1\n1,0,0\n")
    changes = {"problem.table": str(tmp_path / "t.csv"), "problem.solved": "class"}
    with pytest.raises(ExperimentError, match="the targets are not of classes; expected two"):
        _ = with_fields(changes).configurations


def test_what_is_not_chosen_keeps_its_identity() -> None:
    canonical = with_fields({}).configurations[0].settings.canonical()
    assert set(canonical["problem"]) == {"gate", "table", "inputs", "targets"}
    chosen = with_fields({"problem.solved": "side"}).configurations[0].id
    assert chosen != with_fields({}).configurations[0].id


def outputs_of(study: runner.Study) -> np.ndarray:
    """Sigmoid outputs (n, 4) of trained 2-2-1 networks, in plain NumPy."""
    w = study.weights
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    first = np.stack([w[[f"W1[{j},0]", f"W1[{j},1]"]].to_numpy() for j in (0, 1)], axis=1)
    hidden = inputs @ first.transpose(0, 2, 1) + w[["b1[0]", "b1[1]"]].to_numpy()[:, np.newaxis]
    hidden = 1 / (1 + np.exp(-hidden))
    second = w[["W2[0,0]", "W2[0,1]"]].to_numpy()[:, :, np.newaxis]
    return 1 / (1 + np.exp(-((hidden @ second)[:, :, 0] + w[["b2[0]"]].to_numpy())))


@pytest.mark.parametrize("stops", [True, False])
def test_training_by_each_rule(scheduler: str, tmp_path: Path, stops: bool) -> None:
    changes = {"training.max_steps": 1500, "training.stop_solved": stops}
    targets = np.array([0, 1, 1, 0])
    for rule, more in {
        "side": {},
        "tolerance": {"problem.tolerance": 0.3},
        "loss": {"training.stop_loss": 0.3},
    }.items():
        plan = load_experiment(XOR, changes={**changes, **more, "problem.solved": rule})
        study = runner.sweep(plan, out=tmp_path / rule, scheduler=scheduler)
        outputs, frame = outputs_of(study), study.restarts
        loss = -np.log(np.where(targets, outputs, 1 - outputs)).mean(axis=1)
        np.testing.assert_allclose(frame["loss"], loss, rtol=1e-9)
        right = {
            "side": ((outputs > 0.5) == targets).all(axis=1),
            "tolerance": (abs(outputs - targets) < 0.3).all(axis=1),
            "loss": loss <= 0.3,
        }[rule]
        assert frame["solved"].tolist() == right.tolist()
        assert 0 < right.sum() < 60
        if stops or rule == "loss":
            assert (frame["steps"] < 1500).tolist() == right.tolist()


def test_the_largest_of_sigmoid_outputs(scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,kind\n0,0,x\n0,1,y\n1,0,z\n1,1,x\n")
    problem = {
        "table": str(tmp_path / "t.csv"),
        "target_columns": ["kind"],
        "solved": "class",
    }
    raw = {"name": "t", "restarts": 60, "problem": problem, "training": {"max_steps": 150}}
    study = runner.sweep(raw, out=tmp_path / "s", scheduler=scheduler)
    w = study.weights
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    solved = []
    for _, row in w.iterrows():
        first = np.array([[row[f"W1[{j},{i}]"] for i in (0, 1)] for j in (0, 1)])
        hidden = 1 / (1 + np.exp(-(inputs @ first.T + [row["b1[0]"], row["b1[1]"]])))
        second = np.array([[row[f"W2[{j},{i}]"] for i in (0, 1)] for j in (0, 1, 2)])
        pre = hidden @ second.T + [row[f"b2[{j}]"] for j in (0, 1, 2)]
        solved.append(bool((pre.argmax(axis=1) == [0, 1, 2, 0]).all()))
    assert study.restarts["solved"].tolist() == solved
    assert 0 < sum(solved) < 60
