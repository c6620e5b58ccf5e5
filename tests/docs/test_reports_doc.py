"""docs/reports.md: its tables have the experiments of the folder, and what they claim is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.statistics.proportions import proportion

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reports.md").read_text()
CELLS = [[c.strip() for c in row.split("|")[1:-1]] for row in TEXT.splitlines() if "| `" in row]
ROWS = [row for row in CELLS if len(row) == 6]
FILES = sorted((ROOT / "experiments" / "reports").glob("*.toml"))


def test_every_experiment_is_told_with_what_others_saw() -> None:
    told = [row for row in CELLS if len(row) == 2]
    assert {name for name, _ in told} == {f"`{path.stem}`" for path in FILES}
    sources = TEXT.partition("## Sources")[2]
    for number, (_, saw) in enumerate(told, start=1):
        assert saw.endswith(f"[{number}]")
        assert f"\n{number}. " in sources


def test_every_configuration_has_a_row() -> None:
    counts = {path.stem: len(Plan(load_experiment(path)).configurations) for path in FILES}
    names = [row[0].strip("`") for row in ROWS]
    assert {name: names.count(name) for name in counts} == counts
    assert f"{len(ROWS)} configurations" in TEXT


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_intervals_are_those_of_the_counts(row) -> None:
    n = int(row[2].replace(",", ""))
    assert n >= 1000
    _, low, high = proportion(round(float(row[3].rstrip("%")) / 100 * n), n)
    assert row[4] == f"{100 * low:.1f}-{100 * high:.1f}"
