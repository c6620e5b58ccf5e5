from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cluster.dask_configuration import configuration_files
from runner.errors import ClusterError

ROOT = Path(__file__).parents[2]


def sweep(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Train two restarts on this machine, with these variables of Dask's and no others."""
    small = ("--restarts", "2", "--set", "problem.gate=AND", "--set", "network.hidden=[]")
    words = [sys.executable, "-m", "runner", "sweep", *small, "--workers", "1", "--quiet"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DASK_")}
    environment |= {"PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [b\n", "own.yaml: Dask cannot read its configuration: while parsing a flow"),
        ("5\n", "own.yaml: Dask cannot read its configuration: config files must have a dict"),
        ("distributed:\n  comm: 5\n", "own.yaml: distributed.comm is 5; expected settings"),
        ("distributed:\n  dashboard:\n  comm:\n", "is empty; expected settings below it"),
        ("array: 5\n", "own.yaml: Dask cannot read its configuration ("),
        (
            "distributed:\n  comm:\n    timeouts:\n      connect: long\n",
            "own.yaml: Dask does not start its cluster with this configuration (Invalid time unit",
        ),
    ],
)
def test_a_configuration_that_dask_cannot_use_is_one_line(tmp_path, content, said) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(content)
    done = sweep(tmp_path, DASK_CONFIG=str(path))
    assert done.returncode == ClusterError.exit_code
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(path) in done.stderr
    assert said in done.stderr
    assert "or set DASK_CONFIG to" in done.stderr


def test_a_variable_that_dask_cannot_use_is_one_line(tmp_path) -> None:
    done = sweep(tmp_path, DASK_DISTRIBUTED__COMM="5")
    assert done.returncode == ClusterError.exit_code
    assert done.stderr.startswith("DASK_DISTRIBUTED__COMM: Dask cannot read its variables (")
    assert len(done.stderr.splitlines()) == 1


def test_the_files_of_a_folder_that_say_something_are_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path))
    (tmp_path / "comments.yaml").write_text("# distributed:\n\n  # comm: 5\n")
    (tmp_path / "notes.txt").write_text("a: 1\n")
    (tmp_path / "one.YAML").write_text("a: 1\n")
    (tmp_path / "two.json").write_text("{}")
    mine = [path.name for path in configuration_files() if path.parent == tmp_path]
    assert mine == ["one.YAML", "two.json"]
