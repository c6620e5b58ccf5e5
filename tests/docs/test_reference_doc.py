"""What the documentation takes from the code: columns as real tables have them, every option."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pandas as pd
import pytest

import runner
from runner.cli.app import COMMANDS
from runner.study.tables.table_names import TABLES
from runner.training.labels import LABELS

ROOT = Path(__file__).parents[2]
REFERENCE = runpy.run_path(str(ROOT / "docs" / "reference.py"))
WIDE = ("weights", "starts")
"""Tables whose columns are the parameters."""


@pytest.fixture(scope="module")
def study(client, tmp_path_factory):
    """A study that has all tables: solved and other restarts, analysed and mapped."""
    content = {
        "name": "reference",
        "restarts": 60,
        "problem": {"gate": "XOR"},
        "training": {"max_steps": 800, "stop_solved": True},
        "grid": {"init.scale": [1.0, 2.0]},
    }
    made = runner.sweep(content, tmp_path_factory.mktemp("reference") / "study", client)
    runner.analyze(made.path, client)
    return runner.map_landscape(made.path, client, unchanged=50, round_searches=50)


def documented(docstring: str, found: pd.DataFrame, axes: list[str]) -> dict[str, str]:
    """Names and dtypes that a table should have, with what stands for several filled in."""
    expected = {}
    for column in REFERENCE["columns_of"](docstring):
        names = column.names.split(", ")
        if column.names.startswith("the "):
            names = axes
        elif column.names == "cycling … diverged":
            names = [label for label in LABELS if label != "solved" and label in found]
        elif names[-1] == "...":
            names = [name for name in found if name.startswith(("W", "b")) and "[" in name]
        expected |= dict.fromkeys(names, column.dtype)
    return expected


@pytest.mark.parametrize("name", [name for name in TABLES if name not in WIDE])
def test_columns_are_those_of_a_real_table(study, name) -> None:
    found = getattr(study, name)
    axes = study.experiment.axes
    expected = documented(REFERENCE["docstring_of"](name), found, list(axes))
    # with the perceptron rule, with plateaus, and with held-out rows
    sometimes = {name for name in expected if name.startswith("held_out")}
    sometimes |= {"mistakes", "period", "new_starts", "perturbations"}
    only_there = sometimes - set(found)
    assert list(found) == [name for name in expected if name not in only_there]
    for column, dtype in expected.items():
        if column not in only_there:
            kind = "object" if dtype.startswith("list of") else dtype
            assert found[column].dtype == kind, column


def test_columns_of_a_comparison_are_those_of_a_real_one(study) -> None:
    found = runner.compare(study, study).configurations
    expected = documented(runner.compare.__doc__, found, ["init.scale"])
    assert list(found) == list(expected)
    for column, dtype in expected.items():
        assert column == "init.scale" or found[column].dtype == dtype, column


def test_every_table_and_every_column_has_its_place() -> None:
    text = REFERENCE["columns"]()
    assert re.findall(r"^### study\.(\w+)$", text, re.MULTILINE) == list(TABLES)
    for name in TABLES:
        section = text.partition(f"### study.{name}\n")[2].partition("\n### ")[0]
        for column in REFERENCE["columns_of"](REFERENCE["docstring_of"](name)):
            assert f"| `{column.names}` | {column.dtype} | {column.unit} |" in section


def test_every_command_has_its_options() -> None:
    text = REFERENCE["command_line"]()
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == list(COMMANDS)
    sweep = text.partition("### sweep\n")[2].partition("\n### ")[0]
    assert "python -m runner sweep [OPTIONS] [EXPERIMENT.toml]" in sweep
    assert "| `--wait N` | `30.0` | Seconds to wait" in sweep
    assert "| `--quiet`, `-q` |  | Print errors only. |" in sweep
    assert "| `--audit SHARE` | `0.0` |" in sweep


def test_every_public_name_is_in_the_reference_and_has_a_docstring() -> None:
    text = REFERENCE["api"]()
    for name in runner.__all__:
        assert re.search(rf"^\.\. auto\w+:: {name}$", text, re.MULTILINE)
        assert getattr(runner, name).__doc__
