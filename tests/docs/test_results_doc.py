"""results/README.md: it names whatever a study's folder can have."""

from __future__ import annotations

import re
from pathlib import Path

import runner
from runner.study.store import Store
from runner.study.tables.analysis_tables import TABLES
from runner.study.tables.map_columns import MAP_TABLES

TEXT = (Path(__file__).parents[2] / "results" / "README.md").read_text()
NUMBERS = {5: "five", 6: "six"}


def test_every_file_of_a_study_is_named(client, tmp_path) -> None:
    small = {"name": "t", "restarts": 6, "problem": {"gate": "AND"}, "network": {"hidden": []}}
    runner.sweep(small | {"training": {"max_steps": 20}}, tmp_path, client, audit=1.0)
    runner.sweep(small | {"training": {"max_steps": 20}, "restarts": 9}, tmp_path, client)
    runner.analyze(tmp_path, client=client)
    study = runner.map_landscape(tmp_path, client, searches=4, unchanged=4, basin_side=0)
    runner.write_report(study)
    named = set(re.findall(r"^ {6}(\S+)  ", TEXT, re.MULTILINE))
    there = {path.name + "/" * path.is_dir() for path in tmp_path.iterdir()}
    assert there <= named
    # there while a process writes
    assert f"held by the process that writes; {Store(tmp_path).holder_path.name} beside it" in TEXT
    assert there >= {"rounds/", "tables/", "report.html", "telemetry/", "shards/"}
    assert "`python -m runner verify --repair` has moved" in TEXT


def test_tables_are_counted() -> None:
    said = f"what `analyze` has found, {NUMBERS[len(TABLES)]} tables, and `map`, "
    assert said + NUMBERS[len(MAP_TABLES)] in TEXT
