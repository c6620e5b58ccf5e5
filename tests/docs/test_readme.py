"""Every command and every Python block of the README runs."""

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
from runner.experiment.experiment import Experiment, parse_change
from runner.experiment.grid import SECTIONS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
SMALL = ["--restarts", "20", "--set", "training.max_steps=50"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what a user has, so that results land there."""
    folder = tmp_path_factory.mktemp("readme")
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
        if words[0] == "sweep" and "--dry-run" not in words:
            words += SMALL  # the last of a repeated option counts
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.stderr}"
    assert (checkout / "gates.csv").stat().st_size > 1000


def test_the_python_blocks_run(checkout, scheduler) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
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
        assert done.returncode == 0, f"{block}: {done.stderr}"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^    make (\w+)$", TEXT, flags=re.MULTILINE)
    assert {"sweep", "test", "lint"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE)


def documented_defaults() -> dict[str, object]:
    """Default of every field in the README's table; None for a blank cell."""
    defaults: dict[str, object] = {}
    for names, default in re.findall(r"^\| (`[^|]*`) \| ([^|]*)\|", TEXT, flags=re.MULTILINE):
        text = default.strip().strip("`")
        for name in re.findall(r"`([^`]+)`", names):
            defaults[name] = parse_change(f"x={text}")[1] if text else None
    return defaults


UNSET = {"network.bias": True}
"""What fields do that are no part of a configuration where they are not set."""


def test_fields_of_the_experiment_file_are_listed_with_their_defaults() -> None:
    listed = documented_defaults()
    assert listed["name"] == "required"
    fields = {
        f"{section}.{name}": field
        for section, kind in SECTIONS.items()
        for name, field in kind.model_fields.items()
    }
    fields |= {name: Experiment.model_fields[name] for name in ("seed", "restarts", "curves")}
    shown = {path: field for path, field in fields.items() if path in listed}
    assert len(shown) >= 25
    for path, field in shown.items():
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        default = UNSET.get(path, default)
        assert listed[path] == default, path
        assert type(listed[path]) is type(default) or isinstance(default, float), path
