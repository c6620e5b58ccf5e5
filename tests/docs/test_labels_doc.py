"""docs/labels.md: its table has the configurations of its script, and what it claims is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import runner

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "labels.md").read_text()
SCRIPT = runpy.run_path(str(ROOT / "docs" / "labels.py"))
ROWS = [row.strip("|").split("|") for row in TEXT.splitlines() if row.startswith("| ")]
TABLE = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in ROWS if len(row) == 7}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_table_has_the_configurations_of_the_script() -> None:
    assert "    make labels\n" in TEXT
    assert "docs/labels.py $(ARGS)" in (ROOT / "Makefile").read_text()
    names = [name for name in TABLE if name not in ("configuration", "all")]
    assert names == list(SCRIPT["CASES"])
    assert len(names) >= 20


def test_at_most_one_in_a_hundred_that_are_called_stuck_is_solved_later() -> None:
    *_, stuck, _, later = TABLE["all"]
    assert number(later) <= 0.01 * number(stuck)
    for name, (_, _, *called, later) in TABLE.items():
        if name not in ("configuration", "all"):
            assert number(later) <= 0.01 * sum(map(number, called))


def test_what_swings_is_called_by_the_step_that_comes_next(client, tmp_path) -> None:
    n, rate, said, *budgets = map(
        number,
        re.findall(
            r"of ([\d,]+) restarts of XOR on 2-2-1 at rate (\d+), (\d+) are the one after ([\d,]+) "
            r"steps and the other after ([\d,]+)",
            " ".join(TEXT.split()),
        )[0],
    )
    labels = []
    for budget in budgets:
        training = {"learning_rate": rate, "max_steps": budget}
        asked = {"name": "t", "restarts": n, "problem": {"gate": "XOR"}, "training": training}
        labels.append(runner.sweep(asked, tmp_path / str(budget), client).restarts["label"])
    one, other = (column.astype(str) for column in labels)
    swings = (one != other) & one.isin(SWINGING) & other.isin(SWINGING)
    assert swings.sum() == said
    assert budgets[1] == budgets[0] + 1


SWINGING = ("oscillating", "descending")


# those in which the old rule, without the curvature, was wrong most often, and some that are stuck
@pytest.mark.parametrize(
    "name",
    [
        "XOR, glorot, rate 0.1",
        "XOR, starts ±10",
        "XOR, rprop",
        "XOR, tanh, targets ±0.8, starts ±3",
        "XOR, relu, linear output",
        "XOR, no hidden layer",
        "majority of five, rate 0.1",
    ],
)
def test_a_part_of_the_table_again(name) -> None:
    (outcome,) = (o for o in SCRIPT["outcomes"](200, name) if o.name == name)
    assert outcome.unstuck <= 0.01 * outcome.called_stuck.total()
    counts = [re.sub(",", "", cell) for cell in TABLE[name]]
    share = sum(map(int, counts[2:5])) / int(counts[0])
    # the same restarts from the first on: a fifth of them, so within five standard deviations
    spread = 5 * (max(share * (1 - share), 0.01) / 200) ** 0.5
    assert abs(outcome.called_stuck.total() / 200 - share) <= spread
