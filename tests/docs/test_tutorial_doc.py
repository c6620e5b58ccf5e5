"""docs/tutorial.md and docs/own-data.md: in an empty folder, from the pages' words alone."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def empty_folder(tmp_path, monkeypatch, scheduler) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    return tmp_path


def follow(page: str, files: dict[str, str]) -> dict[str, str]:
    """Save a page's files, run its commands and Python blocks in order; return what they print."""
    printed = {}
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$|^    (python -m runner [^\n]*)$", page, re.M | re.S)
    for language, block, command in blocks:
        if language in files:
            Path(files[language]).write_text(block)
        elif language == "python":
            exec(compile(block, "page", "exec"), {})  # noqa: S102  the page's own code
        elif command:
            done = CliRunner().invoke(app, shlex.split(command)[3:])
            assert done.exit_code == 0, f"{command}: {done.stderr}"
            printed[command] = done.stdout
    return printed


def test_the_tutorial_leads_to_its_table_and_picture(empty_folder) -> None:
    page = (DOCS / "tutorial.md").read_text()
    printed = follow(page, {"toml": "xor.toml"})
    table = page.split("compiling:\n\n")[1].split("\n\n")[0]
    rows = [line.strip() for line in table.splitlines()]
    assert rows == printed["python -m runner sweep xor.toml"].splitlines()[: len(rows)]
    assert (empty_folder / "steps.png").stat().st_size > 10_000
    assert (empty_folder / "results/xor/report.html").is_file()
    assert len(runner.open_study("results/xor").restarts) == 8000


def test_own_data_are_understood_and_trained(empty_folder) -> None:
    page = (DOCS / "own-data.md").read_text()
    printed = follow(page, {"text": "parity.csv", "toml": "own.toml"})
    (said,) = re.findall(r"The second line says `([^`]*)`", page)
    assert printed["python -m runner sweep own.toml --dry-run"].splitlines()[1] == said
    assert len(runner.open_study("results/frame").restarts) == 100
