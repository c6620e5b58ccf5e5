"""docs/studies/: the pages' experiments are as they were trained, and a few restarts agree."""

from __future__ import annotations

import importlib
import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.statistics.luby import run_lengths
from runner.study.study import Study

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "docs" / "studies.py"))
ORIGIN = importlib.import_module("study_tables.origin")  # the script has put docs/ on the path
PAGES = SCRIPT["PAGES"]
STUDIES = sorted((ROOT / "experiments" / "studies").glob("*.toml"))


def text(name: str) -> str:
    return PAGES[name].read_text()


def test_every_study_is_on_a_page() -> None:
    told = {path for name in PAGES for path in SCRIPT["experiments"](text(name))}
    assert told >= set(STUDIES)


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs" / "studies" / "index.md").read_text()
    for name in PAGES:
        assert name == "reports" or f"]({name}.md)" in index


@pytest.mark.parametrize("name", PAGES)
def test_figures_are_of_the_experiments_as_they_are(name) -> None:
    figures = SCRIPT["figures"]()
    for path in SCRIPT["experiments"](text(name)):
        plan = Plan(load_experiment(path))
        if name != "reports":
            row = next(r for r in text(name).splitlines() if r.startswith(f"| `{path.name}` |"))
            assert f"`{ORIGIN.asked(plan)}`" in row
        own = [o for (experiment, _), o in figures.items() if experiment == path.stem]
        assert len(own) == len(plan.configurations)
        assert {o.n for o in own} == {plan.experiment.restarts}


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_are_right(name, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = re.findall(r"^    python (.*)$", text(name), re.MULTILINE)
    assert any(f"docs/studies.py {name} --write" in command for command in commands)
    for command in commands:
        words = shlex.split(command)
        if words[:2] == ["-m", "runner"]:
            done = CliRunner().invoke(app, [*words[2:], "--dry-run"])
            assert done.exit_code == 0, done.output
        else:
            assert words[0] == "docs/studies.py"
            SCRIPT["options"](words[1:])


def few(path: Path, out: Path, client) -> Study:
    """A few restarts of an experiment; of its widths and L2 terms two, as each is compiled."""
    axes = load_experiment(path).grid.items()
    cut = ("network.hidden", "loss.l2")
    grid = {name: values[:2] for name, values in axes if any(part in name for part in cut)}
    return SCRIPT["trained"](path, out, 3, grid, client=client)


def test_a_schedule_that_is_followed_costs_what_is_computed() -> None:
    followed = importlib.import_module("study_tables.restarts").simulated
    rng = np.random.default_rng(0)
    assert (followed(np.array([1]), np.array([True]), rng) == 1).all()
    costs = followed(np.array([1, 2]), np.array([True, False]), rng)
    steps = np.minimum(run_lengths(60), 2)
    assert costs.mean() == pytest.approx(mean_cost(steps), rel=0.06)


def mean_cost(lengths: np.ndarray) -> float:
    """Expected steps where a try is solved at 1 with chance one half, and else runs on to 2."""
    total, left = 0.0, 1.0
    for length in lengths.tolist():
        total += left * (0.5 + 0.5 * length)
        left /= 2
    return total


def heads(page: str) -> list[str]:
    """The first lines of all tables."""
    return re.findall(r"^(\|.*)\n\|---", page, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in PAGES if name != "reports"])
def test_a_few_restarts_make_the_same_tables_and_agree(name, client, tmp_path) -> None:
    figures, page = SCRIPT["figures"](), text(name)
    studies = {path: few(path, tmp_path, client) for path in SCRIPT["experiments"](page)}
    for study in studies.values():
        assert list(SCRIPT["disagreements"](study, figures)) == []
    for path in SCRIPT["analyzed"](page):
        runner.analyze(studies[path], client)
    for path in SCRIPT["mapped"](page):
        few_searches = {"searches": 100, "round_searches": 100, "basin_side": 5}
        runner.map_landscape(studies[path], client, **few_searches)
    assert heads(SCRIPT["renewed"](page, studies)) == heads(page)


@pytest.mark.parametrize("name", ["encog-rprop", "fann-rprop", "xor-1986"])
def test_a_part_of_the_reports_again(name, client, tmp_path) -> None:
    path = ROOT / "experiments" / "reports" / f"{name}.toml"
    study = SCRIPT["trained"](path, tmp_path, 200, client=client)
    assert list(SCRIPT["disagreements"](study, SCRIPT["figures"]())) == []
