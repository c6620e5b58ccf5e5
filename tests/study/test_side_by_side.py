"""Two studies compared: in pairs where they have the same starts, against formulas."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from support.crafted import EXPERIMENT, crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.errors import StudyError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.store import Store

N = 40
SLOWER = {**EXPERIMENT, "training": {**EXPERIMENT["training"], "learning_rate": 0.5}}
OF_A = [k % 2 == 0 for k in range(N)]
OF_B = [k % 2 == 0 or k < 10 for k in range(N)]


def study(path, solved, experiment=EXPERIMENT, steps=9, **options):
    n = len(solved)
    solved_by = solved if isinstance(solved, dict) else {0: solved}
    n = len(solved_by[0])
    steps_by = {c: [steps] * n if isinstance(steps, int) else steps for c in solved_by}
    return crafted(path, steps_by, solved_by, experiment, **options)


def test_the_same_starts_are_compared_in_pairs(tmp_path) -> None:
    a = study(tmp_path / "a", OF_A)
    study(tmp_path / "b", OF_B, SLOWER, steps=[9 + k for k in range(N)])
    both = runner.compare(a, tmp_path / "b")
    (row,) = both.configurations.to_dict("records")
    assert (row["paired"], row["n"], row["only_a"], row["only_b"]) == (True, N, 0, 5)
    assert row["difference"] == pytest.approx(5 / N)
    assert row["p_value"] == pytest.approx(2 * 0.5**5)  # the sign test
    # Bonett and Price (2012), equation 3
    p12, p21 = 6 / 42, 1 / 42
    half = 1.959964 * np.sqrt((p12 + p21 - (p12 - p21) ** 2) / 42)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(
        [5 / 42 - half, 5 / 42 + half], abs=3e-3
    )
    # of the starts that both solve, which are the even ones, b takes k steps more
    assert (row["steps_n"], row["steps_difference"]) == (20, 19)
    assert both.restarts["restart"].tolist() == [1, 3, 5, 7, 9]
    assert set(both.restarts["solved_by"]) == {"b"}
    assert both.restarts["steps"].tolist() == [10, 12, 14, 16, 18]
    assert set(both.restarts["label"]) == {"plateau"}
    assert both.settings.loc["training.learning_rate"].to_list() == [[1.0], [0.5], True]


def test_a_comparison_turned_round_changes_its_signs(tmp_path) -> None:
    a, b = study(tmp_path / "a", OF_A), study(tmp_path / "b", OF_B, SLOWER, loss=0.5)
    (one,) = runner.compare(a, b).configurations.to_dict("records")
    (other,) = runner.compare(b, a).configurations.to_dict("records")
    assert one["p_value"] == other["p_value"]
    for name in ("", "steps_", "loss_"):
        low, high = ("ci_low", "ci_high") if not name else (f"{name}low", f"{name}high")
        assert one[f"{name}difference"] == pytest.approx(-other[f"{name}difference"])
        assert [one[low], one[high]] == pytest.approx([-other[high], -other[low]])


def test_other_seeds_are_compared_as_samples(tmp_path) -> None:
    a = study(tmp_path / "a", [k < 56 for k in range(70)])
    b = study(tmp_path / "b", [k < 48 for k in range(70)], {**EXPERIMENT, "seed": 7})
    both = runner.compare(a, b)
    (row,) = both.configurations.to_dict("records")
    assert not row["paired"]
    assert pd.isna(row["only_a"])
    assert both.restarts.empty
    assert both.settings.loc["seed", "a"] == [1990]
    # Newcombe (1998), method 10, by hand
    low, high = (binomtest(k, 70).proportion_ci(0.95, method="wilson") for k in (56, 48))
    d = 48 / 70 - 56 / 70
    lower = d - np.hypot(48 / 70 - high.low, low.high - 56 / 70)
    upper = d + np.hypot(high.high - 48 / 70, 56 / 70 - low.low)
    assert [row["difference"], row["ci_low"], row["ci_high"]] == pytest.approx([d, lower, upper])


def test_configurations_match_by_their_settings_not_by_their_place(tmp_path) -> None:
    gates = {"problem.gate": ["AND", "XOR", "OR"]}
    yes, no = [True] * 3, [False] * 3
    a = study(tmp_path / "a", {0: yes, 1: no, 2: yes}, {**EXPERIMENT, "grid": gates})
    fewer = {"problem.gate": ["OR", "XOR"], "training.learning_rate": [0.25, 0.5]}
    b = study(tmp_path / "b", dict.fromkeys(range(4), yes), {**EXPERIMENT, "grid": fewer})
    table = runner.compare(a, b).configurations
    assert table[["a", "problem.gate", "b"]].values.tolist() == [
        [1, "XOR", 2],
        [1, "XOR", 3],
        [2, "OR", 0],
        [2, "OR", 1],
    ]
    settings = runner.compare(a, b).settings["ignored"]
    assert settings.to_dict() == {"problem.gate": False, "training.learning_rate": True}


def test_only_restarts_that_both_have_are_paired(tmp_path) -> None:
    a = study(tmp_path / "a", [True, False, True, False], failed=(1,))
    b = study(tmp_path / "b", [False, True], SLOWER)
    both = runner.compare(a, b)
    assert both.configurations["n"].tolist() == [1]
    assert both.restarts[["restart", "solved_by"]].values.tolist() == [[0, "a"]]


def test_what_is_not_compared_is_said(tmp_path) -> None:
    """An unfinished study, configurations that only one has, and those that are still to train."""
    gates = {"problem.gate": ["AND", "XOR", "OR", "NAND"]}
    experiment = {**EXPERIMENT, "grid": gates}
    of_or = (8, 9, 10, 11)  # which both have
    study(tmp_path / "a", dict.fromkeys(range(4), [True] * 4), experiment, failed=of_or)
    more = Plan(load_experiment({**experiment, "restarts": 6}))
    with Store(tmp_path / "a").writer() as writer:
        writer.grow(runner.open_study(tmp_path / "a").plan.grown(more))
    fewer = {"problem.gate": ["OR", "XOR", "NOR"]}
    study(tmp_path / "b", dict.fromkeys(range(3), [True] * 4), {**EXPERIMENT, "grid": fewer})
    both = runner.compare(tmp_path / "a", tmp_path / "b")
    assert both.trained.to_dict("index") == {
        "a": {"done": 16, "planned": 24},
        "b": {"done": 12, "planned": 12},
    }
    assert both.left_out.values.tolist() == [
        ["a", 0, "unmatched"],
        ["a", 2, "untrained"],
        ["a", 3, "unmatched"],
        ["b", 0, "untrained"],
        ["b", 2, "unmatched"],
    ]
    for form in ("table", "csv", "json"):
        words = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", form]
        done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        assert done.exit_code == 0
        told = " ".join(done.stderr.split())
        assert "The first study is unfinished: 16 of 24 restarts are trained" in told
        assert "The second study is unfinished" not in told
        assert (
            "Left out: 2 configurations of the first study (gate AND; gate NAND): without the "
            "same settings in the other study."
        ) in told
        assert "Left out: 1 configuration of the second study (gate OR): without trained" in told
    alike = runner.compare(tmp_path / "b", tmp_path / "b")
    assert alike.left_out.empty


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"problem": {"gate": "AND"}}, "problem.gate is 'XOR' in the first study and 'AND'"),
        ({"commit": False}, "restarts: no configuration has trained ones in both"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_field(tmp_path, changes, text) -> None:
    commit = changes.pop("commit", True)
    a = study(tmp_path / "a", [True, False])
    study(tmp_path / "b", [True, False], {**EXPERIMENT, **changes}, commit=commit)
    with pytest.raises(StudyError, match=text):
        runner.compare(a, tmp_path / "b")
    done = CliRunner().invoke(app, ["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    assert (done.exit_code, text in done.stderr.replace("\n", " ")) == (3, True)


def test_the_command_prints_both_tables(tmp_path) -> None:
    folders = [str(tmp_path / name) for name in "ab"]
    study(tmp_path / "a", OF_A)
    study(tmp_path / "b", OF_B, SLOWER)

    def output(*words: str) -> str:
        done = CliRunner().invoke(app, ["compare", *folders, *words], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.stderr
        return done.stdout

    assert "training.learning_rate: 1.0 and 0.5" in output()
    assert "in pairs" in output()
    (row,) = json.loads(output("--format", "json"))
    assert (row["only_b"], row["difference"]) == (5, 0.125)
    assert [line.split()[2] for line in output("--starts").splitlines()[1:]] == list("13579")
    assert len(output("--starts", "--format", "csv").splitlines()) == 6


def test_what_is_not_set_is_nothing_in_words_and_empty_in_tables(tmp_path) -> None:
    training = {**EXPERIMENT["training"], "learning_rate": 0.5}
    plain = {**EXPERIMENT, "extra": [{"init.bias": 0.5}]}
    other = {**plain, "training": {**training, "rate_schedule": "inverse:0.5"}}
    solved = {0: [True, False], 1: [True, True]}
    study(tmp_path / "a", solved, plain)
    study(tmp_path / "b", solved, other)
    both = runner.compare(tmp_path / "a", tmp_path / "b")
    assert both.configurations["init.bias"].to_list() == [None, 0.5]

    def output(*words: str) -> str:
        folders = [str(tmp_path / name) for name in "ab"]
        done = CliRunner().invoke(app, ["compare", *folders, *words], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.stderr
        return done.stdout

    assert "training.rate_schedule: nothing and 'inverse:0.5'\n" in output()
    assert not {"None", "nan"} & set(output().split())
    assert [row["init.bias"] for row in json.loads(output("--format", "json"))] == [None, 0.5]
