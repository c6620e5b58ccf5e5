"""docs/growing.md: its commands run, and say what the page says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from typer.testing import CliRunner

from runner.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "growing.md").read_text()


def test_the_commands_say_what_the_page_says(scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    said = ""
    commands = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        # a hundredth of the restarts
        words = shlex.split(re.sub(r"000\b", "0", command))
        words += ["--set", "training.max_steps=20"] if words[0] == "sweep" else []
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.stderr}"
        said += done.stdout + done.stderr
    for told in re.findall(r"`((?:results/growing )?adds [^`]*)`", TEXT):
        assert re.sub(r",000\b", "0", told).replace("results/growing ", "") in said
