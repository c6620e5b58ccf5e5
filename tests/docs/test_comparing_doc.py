"""docs/comparing.md: its commands and its block run, in the order given."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from typer.testing import CliRunner

from runner.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "comparing.md").read_text()


def test_the_page_runs(tmp_path, monkeypatch, scheduler) -> None:
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    commands = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command, comments=True)
        if words[0] == "sweep":
            words += ["--restarts", "20", "--set", "training.max_steps=50"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.stderr}"
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/comparing.md", "exec"), names)  # noqa: S102  the page's own code
    both = names["both"]
    assert both.configurations["paired"].all()  # type: ignore[attr-defined]
