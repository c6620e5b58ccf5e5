"""docs/object-stores.md: its commands run, one after the other."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from support.in_process import swept
from support.s3_server import reached, serving, tell_workers
from typer.testing import CliRunner

import runner
from runner.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "object-stores.md").read_text()
SMALL = ["--restarts", "20", "--set", "training.max_steps=20"]
EXPERIMENT = {"name": "gates", "restarts": 4, "training": {"max_steps": 3}}


def test_the_commands_run_in_the_order_given(scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    swept(tmp_path / "results" / "gates", EXPERIMENT | {"problem": {"gate": "AND"}})
    commands = re.findall(r"(?:^    |`)python -m runner ([^\n`]*)", TEXT, flags=re.MULTILINE)
    assert len(commands) >= 3
    with serving() as server, reached(server, monkeypatch):
        tell_workers(scheduler)
        for command in commands:
            words = shlex.split(command)
            words += SMALL if words[0] == "sweep" else []
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0, f"{command}: {done.stderr}"
        calls = re.findall(r'`runner\.(push|pull)\("([^"]+)", "([^"]+)"\)`', TEXT)
        assert [getattr(runner, name)(*places).files for name, *places in calls] == [0, 0]
    assert runner.open_study("results/elsewhere").complete
