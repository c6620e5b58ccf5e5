"""docs/experiment.md: its tables are made from the declarations, and its command runs."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.experiment.fields.library_defaults import LIKES
from runner.network.architecture import Architecture
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.schedules.registry import SCHEDULES, parse_schedule
from runner.network.starts.registry import DISTRIBUTIONS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "experiment.md").read_text()


def test_the_tables_are_those_of_the_declarations() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "experiment.py"))
    assert script["page"](TEXT) == TEXT, "run python docs/experiment.py, as its first lines say"


def test_the_brackets_of_the_first_experiment_are_the_defaults() -> None:
    """`experiments/gates.toml` has in brackets what a field is when it is left out."""
    text = (ROOT / "experiments" / "gates.toml").read_text()
    section, found = "", {}
    for line in text.splitlines():
        if head := re.match(r"\[(\w+)\]", line):
            section = f"{head[1]}."
        elif bracket := re.fullmatch(r"(\w+) = [^#]*#.* \[(.*?)\]", line):
            found[section + bracket[1]] = tomllib.loads(f"value = [{bracket[2]}]")["value"]
    there = tomllib.loads(text)
    sections = {part: fields for part, fields in there.items() if isinstance(fields, dict)}
    fields = {f"{part}.{field}" for part, inner in sections.items() for field in inner}
    no_defaults = {"problem.gate", "grid.problem.gate", "grid.network.hidden"}
    assert found.keys() == fields - no_defaults | {"seed", "restarts"}
    left_out = runner.load_experiment({"name": "t", "problem": {"gate": "XOR"}})
    for path, value in found.items():
        part, _, field = path.rpartition(".")
        default = getattr(getattr(left_out, part) if part else left_out, field)
        assert value == (list(default) if isinstance(default, list | tuple) else [default]), path


def test_every_optimizer_and_schedule_has_its_row() -> None:
    section = TEXT.partition("## Optimizers")[2].partition("## Defaults of other programs")[0]
    named = re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE)
    assert sorted(named) == sorted(OPTIMIZERS)
    texts = re.findall(r'^\| `"([^"]+)"` \|', section, flags=re.MULTILINE)
    assert {text.split(":")[0] for text in texts} == set(SCHEDULES)
    for text in texts:
        parse_schedule(text)


def test_every_program_that_an_experiment_may_be_like_has_its_row() -> None:
    section = TEXT.partition("## Defaults of other programs")[2]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", section, flags=re.MULTILINE)[:1] == ["like"]
    named = re.findall(r"^\| `([a-z0-9-]+)` \|", section, flags=re.MULTILINE)[1:]
    assert named == list(LIKES)


def test_every_kind_of_start_has_its_row() -> None:
    section = TEXT.partition("## Starts")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE)
    assert sorted(named) == sorted([*DISTRIBUTIONS, "given", "slice"])


def test_a_frame_of_starts_as_the_page_has_it(scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    names = Architecture(2, (2,), 1, "sigmoid", "sigmoid").parameter_names
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(40, 9)), columns=names)
    (call,) = re.findall(r"^    (runner\.sweep\(.*\))$", TEXT, flags=re.MULTILINE)
    study = eval(call, {"runner": runner, "frame": frame})  # noqa: S307
    np.testing.assert_array_equal(study.starts.to_numpy(), frame.to_numpy())
    again = runner.open_study(study.path)
    assert again.plan.canonical() == study.plan.canonical()


def test_the_grid_of_the_page() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
    raw = {"name": "t", "problem": {"gate": "XOR"}} | tomllib.loads(block)
    assert len(runner.load_experiment(raw).points()) == 15


def test_the_frame_of_the_page(scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(compile(block, "docs/experiment.md", "exec"), {})  # noqa: S102  the page's own code
    study = runner.open_study("results/frame")
    assert len(study.restarts) == 100
    assert study.plan.configurations[0].table.target_names == ("kind=odd",)


COMMANDS = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page(scheduler, tmp_path, monkeypatch, command) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    assert "restarts=1000 " in command
    words = shlex.split(command.replace("restarts=1000 ", "restarts=60 "))
    done = CliRunner().invoke(app, [*words, "--quiet"])
    assert done.exit_code == 0, done.stderr
    study = runner.open_study(words[-1])
    assert len(study.restarts) == 60 * len(study.plan.configurations)
    if "training.patterns_per_update=1" in words:
        assert (study.restarts["steps"] % 4 == 0).all()
