"""Where no restart is solved the summary says what solved asks for, and how near they come."""

from __future__ import annotations

import numpy as np
import pytest

from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.statistics.summary import none_solved_text


def plan(**changes) -> Plan:
    grid = {"training.learning_rate": [1, 2]}
    return Plan(
        load_experiment({"name": "t", "problem": {"gate": "PARITY-3"}, "grid": grid} | changes)
    )


def columns(right, solved=(0, 0), n=(9, 9)) -> dict[str, np.ndarray]:
    return {"n": np.array(n), "solved": np.array(solved), "rows_right_mean": np.array(right)}


def test_it_says_how_many_rows_are_right() -> None:
    asked = "Solved is a restart that answers all 8 rows right; on average "
    assert none_solved_text(plan(), columns([5.25, 5.25])) == f"{asked}5.2 are right."
    by = "are right, by configuration."
    assert none_solved_text(plan(), columns([6.0, 4.98])) == f"{asked}4.9 to 6.0 {by}"
    assert none_solved_text(plan(), columns([7.999, np.nan], n=(9, 0))) == f"{asked}7.9 are right."
    gates = plan(grid={"problem.gate": ["XOR", "PARITY-3"]})
    assert "answers all rows of its table right; on" in none_solved_text(gates, columns([3.0, 3.0]))


@pytest.mark.parametrize(
    "given",
    [
        columns([5.0, 5.0], solved=(0, 1)),
        columns([5.0, np.nan]),
        columns([np.nan, np.nan], n=(0, 0)),
    ],
)
def test_it_says_nothing_where_one_is_solved_or_rows_are_not_known(given) -> None:
    assert none_solved_text(plan(), given) == ""


def test_it_says_nothing_where_the_loss_says_what_is_solved() -> None:
    by_loss = plan(problem={"gate": "PARITY-3", "solved": "loss"}, training={"stop_loss": 0.1})
    assert none_solved_text(by_loss, columns([8.0, 8.0])) == ""
