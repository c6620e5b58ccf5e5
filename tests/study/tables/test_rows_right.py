"""Rows right of every restart, and what it does on rows that were held out, beside plain NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.in_process import swept
from support.plain import Net

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.study import Study

TRAINING = {"max_steps": 60, "learning_rate": 2.0}


def wanted(study, inputs, targets, right):
    """Loss and rows right of each restart, one at a time."""
    (c,) = study.plan.configurations
    s = c.settings
    rows = []
    for theta in study.weights.to_numpy():
        net = Net(s.network.hidden, "sigmoid", s.network.output, s.loss.kind, "mean", inputs,
                  targets)  # fmt: skip
        rows.append((net.loss(theta), int(right(net.outputs(theta), targets).sum())))
    return map(np.array, zip(*rows, strict=True))


def by_side(y, t):
    return ((y > 0.5) == (t > 0.5)).all(axis=1)


def by_class(y, t):
    return y.argmax(axis=1) == t.argmax(axis=1)


def check(study, right, rows=(), other=None):
    (c,) = study.plan.configurations
    frame = study.restarts
    _, n_right = wanted(study, c.table.inputs, c.table.targets, right)
    np.testing.assert_array_equal(frame["rows_right"], n_right)
    assert frame["rows_right"].dtype == "int32"
    assert (frame["rows_right"][frame["solved"]] == c.table.n_patterns).all()
    assert 0 < frame["solved"].sum() < len(frame)
    loss, n_right = wanted(study, c.table.held_inputs, c.table.held_targets, right)
    np.testing.assert_allclose(frame["held_out_loss"], loss, rtol=1e-12)
    np.testing.assert_array_equal(frame["held_out_rows_right"], n_right)
    summary = study.summary.iloc[0]
    assert summary["held_out_loss_median"] == pytest.approx(np.median(loss), rel=1e-12)
    assert summary["held_out_rows_right_mean"] == pytest.approx(n_right.mean())
    assert summary["rows_right_mean"] == pytest.approx(frame["rows_right"].mean())


def test_rows_of_a_gate_are_left_out_of_training(tmp_path) -> None:
    content = {
        "name": "held",
        "restarts": 40,
        "problem": {"gate": "PARITY-3", "held_out_rows": [6, 1]},
        "network": {"hidden": [2]},
        "training": TRAINING | {"max_steps": 45},
    }
    study = swept(tmp_path / "s", content)
    (c,) = study.plan.configurations
    assert c.table.held_inputs.tolist() == [[0, 0, 1], [1, 1, 0]]
    assert c.table.n_patterns == 6
    check(study, by_side)
    again = Study(tmp_path / "s")
    pd.testing.assert_frame_equal(again.restarts, study.restarts)
    # what is held out trains nothing: the same table without it
    rows = [
        f"{','.join(map(str, x))},{t}"
        for x, (t,) in zip(c.table.inputs, c.table.targets, strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    problem = {"table": str(tmp_path / "t.csv")}
    alone = swept(tmp_path / "alone", content | {"problem": problem})
    np.testing.assert_array_equal(alone.weights, study.weights)
    assert "held_out_loss" not in alone.restarts
    assert alone.plan.configurations[0].id != c.id


@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_a_loss_that_depends_on_the_kind_of_outputs(tmp_path, output) -> None:
    """FANN's halves the errors of tanh outputs."""
    content = {
        "name": "fann",
        "restarts": 30,
        "problem": {"gate": "XOR", "held_out_rows": [3]},
        "network": {"output": output},
        "loss": {"kind": "tanh-error"},
        "training": TRAINING,
    }
    study = swept(tmp_path / "s", content)
    (c,) = study.plan.configurations
    loss, n_right = wanted(study, c.table.held_inputs, c.table.held_targets, by_side)
    np.testing.assert_allclose(study.restarts["held_out_loss"], loss, rtol=1e-12)
    np.testing.assert_array_equal(study.restarts["held_out_rows_right"], n_right)
    trained, _ = wanted(study, c.table.inputs, c.table.targets, by_side)
    np.testing.assert_allclose(study.restarts["loss"], trained, rtol=1e-9)


def test_a_table_of_its_own_with_classes_that_the_other_lacks(tmp_path) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(20, 2)).round(2)
    kinds = np.where(x[:, 0] > 0.3, "right", np.where(x[:, 1] > 0, "up", "down"))
    lines = [f"{a},{b},{kind}" for (a, b), kind in zip(x, kinds, strict=True)]
    for name, some in (("train", lines[:14]), ("test", [*lines[14:], "3.0,3.0,beyond"])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,b,y", *some]) + "\n")
    content = {
        "name": "classes",
        "restarts": 12,
        "problem": {
            "table": str(tmp_path / "train.csv"),
            "held_out": str(tmp_path / "test.csv"),
        },
        "network": {"output": "softmax", "hidden": [3]},
        "training": TRAINING | {"max_steps": 12},
    }
    study = swept(tmp_path / "s", content)
    (c,) = study.plan.configurations
    assert c.table.target_names == ("y=beyond", "y=down", "y=right", "y=up")
    assert (c.table.n_patterns, c.table.n_held) == (14, 7)
    assert "14 rows and 7 held out" in c.table.description(by_class=True)
    assert not c.table.targets[:, 0].any()
    check(study, by_class)


def test_a_loss_that_solves_leaves_rows_to_be_judged(tmp_path) -> None:
    content = {
        "name": "loss",
        "restarts": 12,
        "problem": {"gate": "XOR", "solved": "loss"},
        "loss": {"kind": "squared-error"},
        "training": TRAINING | {"stop_loss": 0.3, "stop_solved": True},
    }
    study = swept(tmp_path / "s", content)
    (c,) = study.plan.configurations
    assert study.restarts["solved"].all()
    _, n_right = wanted(study, c.table.inputs, c.table.targets, by_side)
    np.testing.assert_array_equal(study.restarts["rows_right"], n_right)
    assert (n_right < 4).any()


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            {"gate": "AND", "held_out_rows": [4]},
            "problem.held_out_rows is [4]; expected rows from 0 to 3, each once, but not all 4.",
        ),
        ({"gate": "AND", "held_out_rows": [1, 1]}, "problem.held_out_rows is [1, 1]; expected"),
        ({"gate": "AND", "held_out_rows": [0, 1, 2, 3]}, "but not all 4."),
        (
            {"gate": "AND", "held_out": "x.csv"},
            "problem.held_out is 'x.csv'; expected nothing without problem.table.",
        ),
        (
            {"table": "a.csv", "held_out": "a.csv", "held_out_rows": [1]},
            "problem.held_out_rows is [1]; expected nothing with problem.held_out.",
        ),
        (
            {"table": "a.csv", "held_out": "b.csv"},
            "problem.held_out has 1 input and 1 target, 0 of them in words; expected 2 inputs and "
            "1 target, 0 of them in words, as problem.table has.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, monkeypatch, problem, text) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a,b,y\n0,1,1\n1,1,0\n")
    (tmp_path / "b.csv").write_text("a,y\n0,1\n")
    with pytest.raises(ExperimentError) as caught:
        _ = Plan(load_experiment({"name": "t", "problem": problem})).configurations
    assert text in str(caught.value)


def test_targets_that_only_held_out_rows_have_change_nothing_of_what_is_right(tmp_path) -> None:
    rows = "a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"
    (tmp_path / "table.csv").write_text(rows)
    (tmp_path / "other.csv").write_text("a,b,y\n0,0.5,0\n0.5,0,0.5\n1,0.5,1\n")
    problem = {"table": str(tmp_path / "table.csv")}
    alone, held = (
        Plan(load_experiment({"name": "t", "problem": problem | more})).configurations[0]
        for more in ({}, {"held_out": str(tmp_path / "other.csv")})
    )
    assert held.table.n_held == 3
    assert held.criterion == alone.criterion
    assert held.signature() == alone.signature()


@pytest.mark.parametrize(
    ("inputs", "targets"), [((2, 3), (2, 1)), ((2, 2), (2, 2)), ((2, 2), (1, 1))]
)
def test_held_out_rows_of_a_plan_from_elsewhere_are_as_wide_as_the_others(inputs, targets) -> None:
    table = Plan(load_experiment({"name": "t", "problem": {"gate": "XOR"}})).configurations[0].table
    with pytest.raises(ValueError, match="expected as many columns as the others have"):
        replace(table, held_inputs=np.zeros(inputs), held_targets=np.zeros(targets))
