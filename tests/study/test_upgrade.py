"""Studies of earlier versions: read as they are, and rewritten without training."""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.disk import Disk
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.engines.versions import versions
from runner.errors import StudyError
from runner.study import damage
from runner.study.commits import Commit
from runner.study.hashed_json import hashed_json
from runner.study.store import Store
from runner.study.upgrade import upgrade

STUDIES = Path(__file__).parents[1] / "support" / "studies"
"""Two small studies, as the code wrote them that was there before: see `README.md` there."""

TABLES = ("restarts", "weights", "starts", "curves", "failures", "summary", "losses")
STEP = int(os.environ.get("RUNNER_CRASH_STEP", "6"))


@pytest.fixture(params=["format-1", "version-0.1.0"])
def old(request, tmp_path) -> Path:
    return Path(shutil.copytree(STUDIES / request.param, tmp_path / "old"))


@pytest.fixture
def first(tmp_path) -> Path:
    return Path(shutil.copytree(STUDIES / "format-1", tmp_path / "old"))


def tables(path: Path) -> dict[str, pd.DataFrame]:
    study = runner.open_study(path)
    return {name: getattr(study, name) for name in TABLES}


def assert_same(path: Path, expected: dict[str, pd.DataFrame]) -> None:
    study = runner.open_study(path)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(getattr(study, name), table, check_exact=True, obj=name)
    assert damage.find(Store(path), runner.open_study(path).plan) == []


def wide(path: Path) -> dict[tuple[int, int], dict[str, float]]:
    """Return every weight of a study of format 1, by the reader of Parquet alone."""
    found = {}
    for file in (path / "shards").rglob("*.parquet"):
        frame = pq.read_table(file).to_pandas().set_index(["configuration", "restart"])
        for index, row in frame.filter(regex=r"\[").iterrows():
            found[index] = row.to_dict()
    return found


def test_an_old_study_is_read_as_it_is(old) -> None:
    study = runner.open_study(old)
    expected = wide(old)
    assert len(expected) == len(study.weights) == study.plan.n_restarts
    for index, row in study.weights.iterrows():
        for name, value in row.items():
            np.testing.assert_equal(value, np.float32(expected[index].get(name, np.nan)))
    assert study.parameters("b1", 0).values.shape == (6, 1)
    assert study.weights.isna().any(axis=None)
    assert damage.find(Store(old), study.plan) == []


def test_an_upgrade_changes_the_form_and_no_value(old) -> None:
    expected = tables(old)
    done = CliRunner().invoke(app, ["upgrade", str(old)])
    assert done.exit_code == 0
    assert "has format 2 now" in done.output.replace("\n", " ")
    assert_same(old, expected)
    for file in (old / "shards").rglob("*.parquet"):
        table = pq.read_table(file)
        assert not [name for name in table.column_names if "[" in name]
        for name in ("W1", "b1", "loss"):
            flat = table[name].combine_chunks()
            values = flat.flatten() if name != "loss" else flat
            assert not np.isnan(values.drop_null().to_numpy()).any()
    assert (old / "configurations.parquet").is_file()
    assert not (old / "upgrade").exists()
    again = CliRunner().invoke(app, ["upgrade", str(old)])
    assert "has format 2 already" in again.output.replace("\n", " ")


def test_tables_of_an_analysis_stay_those_of_the_study(first) -> None:
    before = runner.open_study(first)
    minima, classes = before.minima, before.classes
    upgrade(Store(first))
    after = runner.open_study(first)
    pd.testing.assert_frame_equal(after.minima, minima)
    pd.testing.assert_frame_equal(after.classes, classes)


def test_an_unfinished_study_of_an_earlier_format_goes_on_once_upgraded(first, client) -> None:
    whole = tables(first)
    plan = json.loads((first / "plan.json").read_bytes())
    content = {name: value for name, value in plan.items() if name != "sha256"}
    (first / "plan.json").write_bytes(hashed_json(content | {"versions": versions()}))
    line, *rest = (first / "commits.jsonl").read_bytes().splitlines(keepends=True)
    (first / "commits.jsonl").write_bytes(b"".join(rest))
    batch = Commit.parse(line.decode().rstrip()).batch
    assert Store(first).shard_path(batch).is_file()  # as if it had stopped just before the log
    experiment = runner.load_experiment(first / "experiment.toml")
    with pytest.raises(StudyError, match=r"has format 1, .* Run `python -m runner upgrade"):
        runner.sweep(experiment, first, client, batch_size=10)
    upgrade(Store(first))
    assert len(runner.open_study(first).restarts) == len(whole["restarts"]) - len(batch)
    study = runner.sweep(experiment, first, client, batch_size=10)
    assert study.complete
    pd.testing.assert_frame_equal(study.starts, whole["starts"])


def test_a_damaged_shard_ends_an_upgrade_that_then_goes_on(first) -> None:
    expected = tables(first)
    *_, last = sorted((first / "shards").rglob("*.parquet"))
    content = last.read_bytes()
    for harmed, text in (
        (content[:-1], "does not have the size that the log says"),
        (content[:-1] + b"?", "does not have the SHA-256 that the log says"),
    ):
        last.write_bytes(harmed)
        with pytest.raises(StudyError, match=text):
            upgrade(Store(first))
    last.write_bytes(content)
    assert_same(first, expected)
    assert len(Store(first / "upgrade").commits()) == 3
    assert upgrade(Store(first))
    assert_same(first, expected)


def test_nothing_outside_is_touched(first, tmp_path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "ready").write_text("mine")
    (first / "upgrade").symlink_to(outside)
    with pytest.raises(StudyError, match="symbolic link"):
        upgrade(Store(first))
    assert [p.name for p in outside.iterdir()] == ["ready"]


def test_there_has_to_be_a_study(tmp_path) -> None:
    done = CliRunner().invoke(app, ["upgrade", str(tmp_path / "nowhere")])
    assert done.exit_code == 3
    assert "no study here" in done.output
    assert not (tmp_path / "nowhere").exists()


class Stopped(BaseException):
    """The process is gone."""


def stopping(disk: Disk) -> Callable[..., None]:
    def fail(name: str, arguments: object) -> None:
        raise Stopped

    disk._fail = fail
    return fail


@pytest.mark.parametrize("what", ["dies", "loses power"])
def test_an_upgrade_can_stop_at_every_operation(tmp_path, what) -> None:
    source = STUDIES / "format-1"
    expected = {name: tables(source)[name] for name in ("restarts", "weights")}
    whole = tmp_path / "whole"
    shutil.copytree(source, whole)
    upgrade(Store(whole))
    hashes = runner.open_study(whole).hashes
    at, states = 1, set()
    gc.freeze()  # so that what earlier tests have left is not looked through at every stop
    while True:
        path = tmp_path / str(at) / "study"
        shutil.copytree(source, path)
        disk = Disk(path, at, "die", lasting=True)
        stopping(disk)
        try:
            with disk.installed():
                upgrade(Store(path))
            break
        except Stopped:
            pass
        gc.collect()  # a process that ends gives its lock back; here it may lie in a cycle
        if what == "loses power":
            disk.lost(path.with_name("left"))
            path = path.with_name("left")
        # the old study, the new one, or word that the upgrade is to be finished
        states.add(Store(path).is_being_upgraded)
        if Store(path).is_being_upgraded:
            with pytest.raises(StudyError, match=r"Run `python -m runner upgrade .*which finishes"):
                runner.open_study(path)
        else:
            assert_same(path, expected)
        upgrade(Store(path))
        assert_same(path, expected)
        assert runner.open_study(path).hashes == hashes
        assert not (path / "upgrade").exists()
        shutil.rmtree(path.parent)
        at += STEP
    assert states == {False, True}
    assert at > 60
