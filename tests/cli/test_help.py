"""The help of every command: whole in narrow terminals, and with examples that run."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from support.crafted import crafted
from typer.testing import CliRunner

from runner.cli.app import COMMANDS, app

ROOT = Path(__file__).parents[2]
GROUP: Any = typer.main.get_command(app)
WIDTHS = (60, 80)


def shown(width: int, name: str) -> str:
    words = [name, "--help"] if name else ["--help"]
    done = CliRunner().invoke(app, words, env={"COLUMNS": str(width)})
    assert done.exit_code == 0
    return done.stdout


def words(text: str) -> set[str]:
    return {word.strip("[()]") for word in text.split()}


def cut(width: int, name: str) -> set[str]:
    """Return the words of a command's help, names and defaults too, that it does not show whole."""
    command = GROUP.commands[name] if name else GROUP
    told = [command.help, command.epilog]
    for parameter in command.params:
        if isinstance(parameter, typer.core.TyperOption):
            told += parameter.opts
        told += [parameter.metavar, parameter.help]
        default = parameter.show_default
        if isinstance(default, bool) and parameter.default not in (None, False):
            default = getattr(parameter.default, "value", parameter.default)
        told.append("" if isinstance(default, bool) else str(default))
    return words(" ".join(text or "" for text in told)) - words(shown(width, name))


def examples(name: str) -> list[list[str]]:
    """Return the words of the examples that a command's help ends with, in a narrow terminal."""
    text = shown(WIDTHS[0], name).partition("Examples:")[2]
    lines = re.sub(r"\\\s*\n", " ", text).splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_word_of_the_help_is_cut(name, width) -> None:
    text = shown(width, name)
    assert not cut(width, name)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_a_word_that_is_cut_is_found() -> None:
    assert {"--scheduler-file", "DASK_SCHEDULER_ADDRESS"} <= cut(30, "sweep")


def test_the_options_of_a_sweep_stand_in_panels() -> None:
    panels = re.split(r"╭─ (.*?) ─*╮", shown(80, "sweep"))
    options = {
        name: re.findall(r"^│ (--[a-z-]+)", panel, flags=re.MULTILINE)
        for name, panel in zip(panels[1::2], panels[2::2], strict=True)
    }
    assert options["Where results go"] == ["--out", "--report", "--overwrite"]
    assert "--grid" in options["What is trained"]
    assert "--workers" in options["Where it runs"]
    assert "--max-failures" in options["Workers and restarts that fail"]
    assert max(map(len, options.values())) <= 7


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_their_own_help_begins_with(name) -> None:
    assert GROUP.commands[name].help.partition("\n\n")[0] == COMMANDS[name]


def test_every_file_of_a_command_is_listed() -> None:
    files = {path.stem for path in (ROOT / "runner" / "cli" / "commands").glob("[a-z]*.py")}
    assert files == set(COMMANDS)


@pytest.fixture
def gates(tmp_path, monkeypatch) -> None:
    """A folder with the experiments, and the study that examples are about."""
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    for name in ("gates", "faster"):
        crafted(tmp_path / "results" / name, {0: [9, 9]}, {0: [True, True]})
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_ends_with_examples_that_run(name, gates, tmp_path) -> None:
    found = examples(name)
    assert 1 <= len(found) <= 3
    for line in found:
        assert line[:4] == ["python", "-m", "runner", name]
        # What trains, draws or needs an object store is parsed only; other tests run it.
        GROUP.commands[name].make_context(name, line[4:])
        if name == "sweep":
            line += ["--dry-run", "--out", "new"]  # results/gates is not what it trains
        if name not in ("slice", "report", "analyze", "map", "push", "pull", "release"):
            done = CliRunner().invoke(app, line[3:])
            assert done.exit_code == 0, done.stderr
