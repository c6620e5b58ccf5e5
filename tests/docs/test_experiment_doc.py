"""docs/experiment.md: its tables are made from the declarations, and its command runs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.schedules.registry import SCHEDULES, parse_schedule

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "experiment.md").read_text()


def test_the_tables_are_those_of_the_declarations() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "experiment.py"))
    assert script["page"](TEXT) == TEXT, "run python docs/experiment.py, as its first lines say"


def test_every_optimizer_and_schedule_has_its_row() -> None:
    section = TEXT.partition("## Optimizers")[2]
    named = re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE)
    assert sorted(named) == sorted(OPTIMIZERS)
    texts = re.findall(r'^\| `"([^"]+)"` \|', section, flags=re.MULTILINE)
    assert {text.split(":")[0] for text in texts} == set(SCHEDULES)
    for text in texts:
        parse_schedule(text)


@pytest.mark.parametrize("restarts", [60])
def test_the_command_of_the_page(scheduler, tmp_path, monkeypatch, restarts) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    (command,) = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    command = command.replace("restarts=1000", f"restarts={restarts}")
    done = CliRunner().invoke(app, [*command.split(), "--quiet"])
    assert done.exit_code == 0, done.stderr
    study = runner.open_study("results/patterns")
    assert (study.restarts["steps"] % 4 == 0).all()
    assert len(study.restarts) == 2 * restarts
