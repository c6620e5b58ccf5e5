"""docs/command-line.md: every command and the Python block run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "command-line.md").read_text()
SMALL = ["--restarts", "20", "--set", "training.max_steps=50"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what a user has, so that results land there."""
    folder = tmp_path_factory.mktemp("command-line")
    for name in ("runner", "experiments"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def commands() -> list[str]:
    lines = re.findall(r"^    (python -m runner .*)$", TEXT, flags=re.MULTILINE)
    return [line.partition("  #")[0].strip() for line in lines]


def test_the_commands_run_in_the_order_given(checkout, scheduler, monkeypatch) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    found = commands()
    assert len(found) >= 10
    for command in found:
        words = shlex.split(command)[3:]
        if words[0] == "sweep":
            words += SMALL  # the last of a repeated option counts
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.stderr}"
    assert (checkout / "gates.csv").stat().st_size > 1000


def test_the_python_block_runs_as_a_script(checkout, scheduler) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    small = '{"name": "gates", "restarts": 20, "problem": {"gate": "XOR"}}'
    (checkout / "block.py").write_text(block.replace('"experiments/gates.toml"', small))
    done = subprocess.run(
        [sys.executable, "block.py"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DASK_SCHEDULER_ADDRESS": scheduler},
    )
    assert done.returncode == 0, done.stderr
