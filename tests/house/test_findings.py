"""findings/: every script is one that can be run, and has its row in the README."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_can_be_run_and_is_in_the_table(path) -> None:
    assert path.read_text().startswith("#!/bin/sh\n")
    assert os.access(path, os.X_OK)
    assert path.name in (FOLDER / "README.md").read_text()


def test_the_table_names_scripts_alone() -> None:
    rows = [line for line in (FOLDER / "README.md").read_text().splitlines() if ".sh" in line]
    named = {word.strip("`[]()|").rpartition("/")[2] for row in rows for word in row.split()}
    known = {path.name for path in SCRIPTS}
    assert {word for word in named if word.endswith(".sh")} - {"NAME.sh"} <= known
