"""What a study's refusal says of files whose content, or whose place, is another one."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from runner.engines.versions import versions
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.network.architecture import Architecture
from runner.study.differences import differences

ROWS = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
WEIGHTS = Architecture(2, (2,), 1, "sigmoid", "sigmoid").parameter_names
MODEL = """
PARAMETERS = {"w": 2}


def loss(T, parameters, inputs, targets):
    w = parameters["w"]
    outputs = [[w[0] * x1 + w[1] * x2] for x1, x2 in inputs]
    return sum((y - t) ** 2 for (y,), (t,) in zip(outputs, targets)), outputs
"""


def table(name: str, rows: list[list[float]] = ROWS, head: str = "x,z,y") -> None:
    cells = "\n".join(",".join(map(str, row)) for row in rows)
    with open(name, "w") as file:
        file.write(f"{head}\n{cells}\n")


def changed(place: int, column: int, value: float, rows=ROWS) -> list[list[float]]:
    other = [list(row) for row in rows]
    other[place][column] = value
    return other


def plan(problem: dict[str, object], **sections: object) -> Plan:
    return Plan(load_experiment({"name": "t", "restarts": 3, "problem": problem, **sections}))


def told(stored: dict[str, object], asked: Plan, **options: bool) -> list[str]:
    return differences(stored, asked, ["cpu"], **options)


def stored(asked: Plan) -> dict[str, object]:
    return {"plan": json.loads(json.dumps(asked.canonical())), "versions": versions()}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    table("p.csv")
    table("q.csv", [*ROWS, [2, 2, 1]])


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ({"table": "q.csv"}, ["problem.table was 'p.csv', now 'q.csv'"]),
        (
            {"gate": "XOR"},
            ["problem.table was 'p.csv', now nothing", "problem.gate was nothing, now 'XOR'"],
        ),
        (
            {"table": "p.csv", "held_out_rows": [1]},
            ["problem.held_out_rows was nothing, now [1]"],
        ),
        (
            {"table": "p.csv", "tolerance": 0.25},
            ["problem.tolerance was nothing, now 0.25"],
        ),
    ],
)
def test_another_field_is_told_by_its_values_alone(problem, expected) -> None:
    assert told(stored(plan({"table": "p.csv"})), plan(problem)) == expected


@pytest.mark.parametrize(
    ("rows", "head", "expected"),
    [
        ([*ROWS, [2, 2, 1]], "x,z,y", "p.csv had 4 rows, now 5"),
        (changed(3, 2, 1), "x,z,y", "p.csv: row 4 of column 'y' was 0.0, now 1.0"),
        (
            changed(1, 0, 5, changed(3, 2, 1)),
            "x,z,y",
            "p.csv: row 2 of column 'x' was 0.0, now 5.0, and 1 more row differs",
        ),
        (
            [[a, b, 0.5, y] for a, b, y in ROWS],
            "x,z,v,y",
            "p.csv had 3 columns that count, now 4",
        ),
        (ROWS, "x,w,y", "p.csv: its columns were 'x', 'z', 'y', now 'x', 'w', 'y'"),
    ],
)
def test_another_content_of_the_same_file_is_told_by_its_rows(rows, head, expected) -> None:
    begun = stored(plan({"table": "p.csv"}))
    table("p.csv", rows, head)
    assert told(begun, plan({"table": "p.csv"})) == [expected]
    assert told(begun, plan({"table": "p.csv"}), grows=True) == [expected]


@pytest.mark.parametrize(("place", "row"), [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6)])
def test_rows_are_those_of_the_file_where_some_are_held_out(place, row) -> None:
    rows = [*ROWS, [2, 2, 1], [3, 3, 0]]
    table("p.csv", rows)
    problem = {"table": "p.csv", "held_out_rows": [3, 1]}
    begun = stored(plan(problem))
    table("p.csv", changed(place, 1, 7, rows))
    was = float(rows[place][1])
    assert told(begun, plan(problem)) == [f"p.csv: row {row} of column 'z' was {was}, now 7.0"]


def test_a_file_that_is_held_out_is_named_itself() -> None:
    table("h.csv", ROWS[:2])
    problem = {"table": "p.csv", "held_out": "h.csv"}
    begun = stored(plan(problem))
    table("h.csv", changed(0, 2, 1, ROWS[:2]))
    assert told(begun, plan(problem)) == ["h.csv: row 1 of column 'y' was 0.0, now 1.0"]


def test_starts_and_models_are_told_in_a_line_each() -> None:
    frame = pd.DataFrame(np.arange(27.0).reshape(3, 9), columns=WEIGHTS)
    frame.to_csv("s.csv", index=False)
    init = {"distribution": "given", "table": "s.csv"}
    begun = stored(plan({"gate": "XOR"}, init=init))
    (frame + 1).to_csv("s.csv", index=False)
    (text,) = told(begun, plan({"gate": "XOR"}, init=init))
    assert text == "s.csv: row 1 of column 'W1[0,0]' was 0.0, now 1.0, and 2 more rows differ"
    with open("m.py", "w") as file:
        file.write(MODEL)
    network = {"model": "m.py:loss"}
    begun = stored(plan({"gate": "XOR"}, network=network))
    with open("m.py", "a") as file:
        file.write("# more\n")
    (text,) = told(begun, plan({"gate": "XOR"}, network=network))
    assert text.startswith("m.py:loss: the content of its file was '")
