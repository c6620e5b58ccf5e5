"""Every command of the page on the landscape runs, on fewer restarts; its tables are all there."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path

from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.study.tables import analysis_tables

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "landscape.md").read_text()
FEWER = ["--restarts", "12", "--set", "training.max_steps=300"]


def test_the_commands_run_in_the_order_given(scheduler, tmp_path, monkeypatch) -> None:
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    found = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    assert [command.split()[0] for command in found] == ["sweep", "analyze"]
    for command in found:
        words = shlex.split(command)
        done = CliRunner().invoke(app, words + (FEWER if words[0] == "sweep" else []))
        assert done.exit_code == 0, f"{command}: {done.output}"
    assert "convex, known" in done.output
    assert "endpoints analysed" in done.stderr
    (python,) = re.findall(r"From Python:\n\n((?:    .*\n|\n)+)", TEXT)
    program: dict[str, runner.Study] = {}
    exec(re.sub(r"^    ", "", python, flags=re.MULTILINE), program)  # noqa: S102
    study = program["study"]
    assert len(study.verdicts) == 6
    again = CliRunner().invoke(app, ["analyze", "results/gates", "--quiet"])
    assert (again.exit_code, again.output) == (0, "")


def test_every_table_and_its_columns_are_explained() -> None:
    for name in analysis_tables.TABLES:
        assert f"`study.{name}`" in TEXT
    explained = set(re.findall(r"`(\w+)`", TEXT))
    for name in ("curvature", "barriers"):
        own = set(analysis_tables.TABLES[name]) - set(analysis_tables.INDEX)
        ends = {"pairs", "restart_a", "restart_b", "class_a", "class_b"}
        assert own - ends <= explained


def test_every_option_is_listed_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.e-]+) \|", TEXT, flags=re.MULTILINE)
    defaults = asdict(runner.AnalysisOptions())
    assert dict(rows) == {name: str(value) for name, value in defaults.items()}


def test_paths_have_as_many_points_as_the_page_says() -> None:
    (points,) = re.findall(r"at (\d+) equally spaced points, both ends included", TEXT)
    assert runner.AnalysisOptions().path_points == int(points)
    assert f"| `path` | the {points} losses |" in TEXT


def test_a_folder_without_a_study_is_an_error_in_one_line(tmp_path) -> None:
    done = CliRunner().invoke(app, ["analyze", str(tmp_path)])
    assert done.exit_code == 3
    assert "no study here" in done.output + done.stderr
