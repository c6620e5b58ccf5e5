"""A study from elsewhere: nothing outside is read or written for it, and nothing without end."""

from __future__ import annotations

import hashlib
import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.errors import StudyError
from runner.study import damage
from runner.study.store import Store
from runner.study.tables import analysis_tables

EXPERIMENT = {
    "name": "foreign",
    "restarts": 12,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 300},
}
READ = (
    "plan.json",
    "commits.jsonl",
    "shards",
    "shards/0000",
    "shards/0000/000000000000-000000000012.parquet",
    "tables",
    "tables/minima.parquet",
    "telemetry",
    "telemetry/audit.jsonl",
)
WRITTEN = ("experiment.toml", "report.html", "tables/parts", "quarantine", ".lock", ".lock.holder")
HALF_WRITTEN = ("report.html.tmp", "experiment.toml.tmp", "tables/minima.parquet.tmp")


@pytest.fixture(scope="module")
def whole(client, tmp_path_factory):
    path = tmp_path_factory.mktemp("foreign") / "study"
    runner.sweep(EXPERIMENT, path, client, audit=1.0)
    runner.analyze(path, client=client)
    return path


@pytest.fixture
def study(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "study"))


def read_everything(path: Path) -> None:
    study = runner.open_study(path)
    for name in ("restarts", "weights", "summary", "curves", *analysis_tables.TABLES):
        getattr(study, name)
    Store(path).audits()


def contents(folder: Path) -> dict[str, bytes | None]:
    paths = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


def replace_by_link(path: Path, outside: Path) -> None:
    """Move a file or folder outside, where the user has more, and leave a link to it."""
    outside.mkdir()
    target = outside / path.name
    if path.exists():
        path.rename(target)
    elif path.suffix or path.name.startswith("."):
        target.write_bytes(b"mine")
    else:
        target.mkdir()
    if target.is_dir():
        (target / "thesis").mkdir()
        (target / "thesis" / "chapter.tex").write_text("mine")
        (target / "notes.tmp").write_text("mine")
    path.symlink_to(target)


def test_an_undamaged_study_is_read_whole(study) -> None:
    read_everything(study)
    assert all((study / name).exists() for name in READ)


@pytest.mark.parametrize("name", READ)
def test_nothing_is_read_through_a_link(study, tmp_path, name) -> None:
    replace_by_link(study / name, tmp_path / "outside")
    with pytest.raises(StudyError, match=r"is a (symbolic )?link; expected a (file|folder)"):
        read_everything(study)


@pytest.mark.parametrize("name", [*READ, *WRITTEN, *HALF_WRITTEN])
def test_no_command_changes_anything_behind_a_link(study, tmp_path, scheduler, name) -> None:
    replace_by_link(study / name, tmp_path / "outside")
    before = contents(tmp_path / "outside")
    file = str(study / "experiment.toml")
    for arguments in (
        ["status", str(study)],
        ["summary", str(study)],
        ["export", str(study), "--to", str(tmp_path / "all.csv")],
        ["report", str(study)],
        ["verify", str(study)],
        ["verify", str(study), "--repair", "--scheduler", scheduler],
        ["analyze", str(study), "--endpoints", "3", "--scheduler", scheduler],
        ["sweep", file, "--out", str(study), "--overwrite", "--scheduler", scheduler],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code in (0, 2, 3), f"{arguments}: {done.output}"
        assert contents(tmp_path / "outside") == before, arguments


@pytest.mark.parametrize("name", [name for name in READ if "." in name])
def test_a_pipe_is_not_waited_for(study, name) -> None:
    (study / name).unlink()
    os.mkfifo(study / name)
    with pytest.raises(StudyError):
        read_everything(study)
    for arguments in (["verify", str(study)], ["status", str(study)]):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code in (0, 3), done.output


def test_a_shard_or_a_table_of_gigabytes_is_not_read(study) -> None:
    for name in (READ[4], "tables/minima.parquet"):
        with (study / name).open("r+b") as file:
            file.truncate(3 * 2**30)  # which takes no room on the disk
    tracemalloc.start()
    try:
        for read in (
            lambda s: s.summary,
            lambda s: s.minima,
        ):
            with pytest.raises(StudyError, match=r"size that the log says|more than 1,073,741,824"):
                read(runner.open_study(study))
        (found,) = damage.find(Store(study), runner.open_study(study).plan)
        assert found.problem == "is damaged (its size is not the log's)"
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("column", ["W1", "curve_losses"])
def test_long_lists_in_a_small_shard_are_not_read(study, column) -> None:
    """Ten million equal values: some kilobytes on disk, and as many as a size is trusted for."""
    path = next(study.rglob("shards/*/*.parquet"))
    table = pq.read_table(path)
    long = pa.array([[0.5] * 10_000_000, *[None] * (len(table) - 1)], pa.list_(pa.float64()))
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, long), path, compression="zstd")
    content = path.read_bytes()
    assert len(content) < 100_000
    (commit,) = Store(study).commits()
    changed = replace(commit, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    (study / "commits.jsonl").write_text(f"{changed.line().rstrip()}\n")
    for read in (lambda s: s.weights, lambda s: s.curves, lambda s: s.restarts):
        with pytest.raises(StudyError, match=f"more values of {column}"):
            read(runner.open_study(study))


def test_many_values_in_a_small_table_are_not_read(study, monkeypatch) -> None:
    table = runner.open_study(study).curvature
    most = table.reset_index().size
    monkeypatch.setattr(analysis_tables, "_MAX_VALUES", most - 1)
    with pytest.raises(StudyError, match=f"more than {most - 1} values"):
        _ = runner.open_study(study).curvature


def drop(name: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.drop(columns=name)


def put(name: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.assign(**{name: [value] * len(table)})


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("minima", drop("loss"), "it has no column loss"),
        ("minima", put("loss", "much"), "could not convert string to float"),
        ("minima", put("size", None), ""),
        ("minima", put("configuration", 7), "configurations that the study does not have"),
        ("verdicts", put("configuration", -1), "configurations that the study does not have"),
        ("barriers", put("path", "up"), "its column path has rows that are no list of numbers"),
        ("barriers", put("path", [0.5]), "its column path has rows that are no list of numbers"),
        ("curvature", lambda table: table.reset_index(drop=True), "it has no column configuration"),
    ],
)
def test_a_table_of_other_columns_is_refused_and_left_out_of_a_report(
    study, name, change, reason
) -> None:
    opened = runner.open_study(study)
    table = change(getattr(opened, name))
    table.attrs = getattr(opened, name).attrs
    analysis_tables.write(study / "tables", name, table, opened.digest)
    with pytest.raises(StudyError, match=rf"{name}\.parquet: cannot be read \(.*{reason}"):
        getattr(runner.open_study(study), name)
    done = CliRunner().invoke(app, ["report", str(study)])
    assert done.exit_code == 0, done.output
    assert f"study.{name}" in (study / "report.html").read_text()


@pytest.mark.parametrize("name", analysis_tables.TABLES)
def test_strange_values_in_a_table_end_in_no_traceback(study, name) -> None:
    """With its columns right, what a table says is drawn or refused, whatever it says."""
    opened = runner.open_study(study)
    table = getattr(opened, name)
    strange = {"str": "<b>", "float64": np.nan, "int64": 2**62, "bool": True, "boolean": None}
    kinds = {
        column: kind
        for column, kind in analysis_tables.TABLES[name].items()
        if column in table and column not in ("configuration", "path")
    }
    for kind in sorted(set(kinds.values())):
        columns = [column for column in kinds if kinds[column] == kind]
        changed = table.assign(**{c: [strange[kind]] * len(table) for c in columns})
        changed = changed.astype(dict.fromkeys(columns, kind))
        changed.attrs = table.attrs
        analysis_tables.write(study / "tables", name, changed, opened.digest)
        done = CliRunner().invoke(app, ["report", str(study)])
        assert done.exit_code in (0, 3), f"{columns}: {done.output}{done.exception!r}"
