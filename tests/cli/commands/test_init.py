"""`init`, `schema`, `--version` and `--verbose`, as typed in an empty folder."""

from __future__ import annotations

import json
import logging
import tomllib
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def loggers():
    """The loggers that `--verbose` changes, as they were afterwards."""
    found = [logging.getLogger(name) for name in ("runner", "distributed")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in found]
    yield
    CliRunner().invoke(app, ["list"])  # without it
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def invoke(*words: str):
    return CliRunner().invoke(app, words)


def test_init_writes_an_experiment_that_runs_and_its_schema() -> None:
    done = invoke("init", "parity.toml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "python -m runner sweep parity.toml" in done.stdout
    text = Path("parity.toml").read_text()
    first, *_ = text.splitlines()
    schema = json.loads(Path(first.removeprefix("#:schema ")).read_text())
    jsonschema.validate(tomllib.loads(text), schema)
    assert invoke("sweep", "parity.toml", "--dry-run").exit_code == 0


def test_init_overwrites_nothing() -> None:
    assert invoke("init").exit_code == 0
    Path("experiment.toml").write_text("mine")
    Path("runner.schema.json").write_text("mine too")
    Path("dangling.toml").symlink_to("nowhere.toml")
    again = invoke("init")
    assert again.exit_code == 2
    assert again.stderr == (
        "experiment.toml: the file is there already; expected a new one. Choose another name.\n"
    )
    assert invoke("init", "dangling.toml").exit_code == 2
    assert invoke("init", "other.toml").exit_code == 0
    assert Path("experiment.toml").read_text() == "mine"
    assert Path("runner.schema.json").read_text() == "mine too"
    assert not Path("nowhere.toml").exists()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("own.txt", "own.txt: the name ends in '.txt'; expected '.toml'. Try own.toml."),
        ("no/such/own.toml", "no/such/own.toml: the file cannot be written: No such file or"),
        ("s3://bucket/own.toml", "s3://bucket/own.toml"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line(file, said) -> None:
    done = invoke("init", file)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not [*Path().iterdir()]


def test_schema_prints_what_init_writes() -> None:
    invoke("init")
    assert invoke("schema").stdout == Path("runner.schema.json").read_text()


def test_the_version_is_the_packages() -> None:
    done = invoke("--version")
    assert (done.exit_code, done.stdout) == (0, f"runner {runner.__version__}\n")


def test_verbose_says_where_an_error_was_raised(loggers) -> None:
    plain = invoke("sweep", "nothing.toml")
    told = invoke("--verbose", "sweep", "nothing.toml")
    assert told.exit_code == plain.exit_code == 2
    assert len(plain.stderr.splitlines()) == 1
    assert told.stderr.startswith("Traceback (most recent call last):")
    assert told.stderr.endswith(plain.stderr)
    assert logging.getLogger("runner").level == logging.DEBUG
