"""Where nothing can be trained, that is one line before anything is."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.errors import platforms


def test_windows_is_refused_in_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platforms, "_SYSTEM", "nt")
    small = {"name": "t", "restarts": 2, "problem": {"gate": "AND"}}
    with pytest.raises(runner.RunnerError, match="Windows Subsystem for Linux"):
        runner.sweep(small)
    done = CliRunner().invoke(app, ["sweep", "--restarts", "2"])
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("Windows: nothing can be trained or written;")
    assert not [*Path().iterdir()]
