"""Every command of the page on maps runs; its tables and options are all there."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

import runner
from runner.cli import console
from runner.cli.app import app
from runner.study.tables.map_columns import MAP_TABLES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "map.md").read_text()
FEWER = {
    "sweep": ["--restarts", "12", "--set", "training.max_steps=300"],
    "map": ["--unchanged", "1500"],
}


def test_the_commands_print_what_the_page_shows(scheduler, tmp_path, monkeypatch) -> None:
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    # the page's table is wider than the terminal that a test before this one may have had
    monkeypatch.setattr(console, "out_console", Console(width=160))
    found = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    assert [command.split()[0] for command in found] == ["sweep", "map"]
    for command in found:
        words = shlex.split(command)
        done = CliRunner().invoke(app, words + FEWER[words[0]])
        assert done.exit_code == 0, f"{command}: {done.output}"
    assert "Searching 1 configuration" in done.stderr
    assert "infinity" not in done.stderr  # the page's experiment has an L2 term
    head, row = re.findall(r"^    ((?:configuration|the only one) .*)$", TEXT, re.MULTILINE)
    assert head in done.stdout
    assert " ".join(row.split()[:8]) in " ".join(done.stdout.split())
    for text in re.findall(r"^    … (.*) …$", TEXT, re.MULTILINE):
        assert text.partition(" (class …")[0] in done.stdout
    again = CliRunner().invoke(app, ["map", "results/landscape", "--unchanged", "1500", "--quiet"])
    assert (again.exit_code, again.output) == (0, "")
    study = runner.open_study("results/landscape")
    counts = study.critical_points.groupby("index")["multiplicity"].sum()
    assert " + ".join(f"{n:.0f}" for n in counts).replace(" + ", " - ", 1) in TEXT
    assert study.completeness["euler"].iloc[0] == 1


def test_every_table_is_named() -> None:
    for name in MAP_TABLES:
        assert f"`study.{name}`" in TEXT


def test_every_option_is_listed_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (-?[\d.e-]+) \|", TEXT, flags=re.MULTILINE)
    assert dict(rows) == {n: str(value) for n, value in asdict(runner.MapOptions()).items()}


def test_a_folder_without_a_study_is_an_error_in_one_line(tmp_path) -> None:
    done = CliRunner().invoke(app, ["map", str(tmp_path)])
    assert done.exit_code == 3
    assert "no study here" in done.output + done.stderr
