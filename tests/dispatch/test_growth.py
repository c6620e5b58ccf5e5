"""Sweeps that grow a study on a real cluster: failures, audits, repair, analysis, models."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.workers import hashes
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.dispatch import training_tasks
from runner.dispatch.sweep import repair
from runner.errors import ExperimentError, StudyError
from runner.study import content_hashes
from runner.study.store import Store
from runner.study.study import Study
from runner.training.worker import Task, train_batch

ROOT = Path(__file__).parents[2]
SMALL = {
    "name": "small",
    "restarts": 8,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 40},
    "grid": {"problem.gate": ["XOR"], "network.hidden": [[], [2]]},
}
LARGE = SMALL | {
    "restarts": 11,
    "grid": {"problem.gate": ["AND", "XOR"], "network.hidden": [[2], []]},
}


@pytest.fixture(scope="module")
def whole(client, tmp_path_factory) -> Study:
    """What was asked for at once."""
    return runner.sweep(LARGE, tmp_path_factory.mktemp("whole") / "s", client)


@pytest.fixture(scope="module")
def grown(client, tmp_path_factory) -> Study:
    path = tmp_path_factory.mktemp("grown") / "s"
    runner.sweep(SMALL, path, client, batch_size=3)
    return runner.sweep(LARGE, path, client, batch_size=4, audit=1.0)


def test_all_tables_of_restarts_are_the_same(grown, whole) -> None:
    for name in ("configurations", "restarts", "weights", "starts", "curves", "summary", "trained"):
        left, right = getattr(grown, name), getattr(whole, name)
        (pd.testing.assert_series_equal if name == "trained" else pd.testing.assert_frame_equal)(
            left, right
        )
    pd.testing.assert_series_equal(grown.configuration_hashes, whole.configuration_hashes)
    assert grown.hashes != whole.hashes


def row_by_row(study: Study, configuration: int) -> str:
    """The hash of a configuration, from its restarts one by one."""
    number = int(study.plan.numbers[configuration])
    files = sorted((study.path / "shards").rglob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    rows = sorted(
        (row for row in rows if row["configuration"] == number), key=lambda row: row["restart"]
    )
    outer = hashlib.sha256(study.plan.configurations[configuration].id.encode())
    for block in sorted({row["restart"] // content_hashes.BLOCK for row in rows}):
        fixed, lists = b"", b""
        for row in rows:
            if row["restart"] // content_hashes.BLOCK != block:
                continue
            first = (row["restart"], row["label"].encode(), row["solved"], row["steps"])
            fixed += struct.pack("<q16s?i", *first)
            names = list(row)[list(row).index("steps") + 1 :]
            for name in names:
                if not name.startswith("curve_"):
                    numbers = row[name] if isinstance(row[name], list) else [row[name]]
                    for number in numbers:
                        fixed += struct.pack("<d", np.nan if number is None else number)
            if row["curve_steps"] is not None:
                n = len(row["curve_steps"])
                lists += struct.pack(f"<q{n}i", n, *row["curve_steps"])
                lists += struct.pack(f"<q{n}d", n, *row["curve_losses"])
        outer.update(struct.pack("<q", block))
        outer.update(hashlib.sha256(fixed).digest() + hashlib.sha256(lists).digest())
    return outer.hexdigest()


def test_hashes_are_those_of_the_rows_one_by_one(grown, whole, monkeypatch) -> None:
    monkeypatch.setattr(content_hashes, "BLOCK", 5)
    for study in (Study(grown.path), Study(whole.path)):
        assert study.configuration_hashes.tolist() == [row_by_row(study, c) for c in range(4)]


def test_one_bit_of_one_restart_changes_one_hash(whole, tmp_path) -> None:
    tables = [pq.read_table(p) for p in sorted((whole.path / "shards").rglob("*.parquet"))]
    loss = tables[0]["loss"].to_numpy().copy()
    loss[3] = np.nextafter(loss[3], 1)
    place = tables[0].column_names.index("loss")
    tables[0] = tables[0].set_column(place, "loss", pa.array(loss))
    other = content_hashes.content_hashes(whole.plan, tables)
    assert (other != whole.configuration_hashes).sum() == 1


def test_every_batch_of_every_round_is_audited(grown) -> None:
    audits = Store(grown.path).audits()
    assert {audit["batch"] for audit in audits} == {b.name for b in grown.plan.batches()}
    assert all(audit["alike"] for audit in audits)


def test_a_failure_in_a_later_round_is_of_its_restart(client, tmp_path, monkeypatch) -> None:
    runner.sweep(SMALL, tmp_path / "s", client)
    number = 2  # of AND, [2], the first that the study is asked for after its own two

    def poison(task: Task):
        for s in task.segments:
            if s.configuration.index == number and s.start <= 9 < s.stop:
                message = "poisoned"
                raise ArithmeticError(message)
        return train_batch(task)

    monkeypatch.setattr(training_tasks, "train_batch", poison)
    study = runner.sweep(LARGE, tmp_path / "s", client)
    ((configuration, restart),) = study.failures[["configuration", "restart"]].to_numpy().tolist()
    assert (study.plan.configurations[configuration].point, restart) == (
        {"problem.gate": "AND", "network.hidden": (2,)},
        9,
    )
    assert study.trained.tolist() == [10, 11, 11, 11]


def test_what_is_damaged_in_any_round_is_repaired(grown, client, tmp_path) -> None:
    shutil.copytree(grown.path, tmp_path / "s")
    before = hashes(tmp_path / "s")
    first, *_, last = sorted((tmp_path / "s" / "shards").rglob("*.parquet"))
    first.write_bytes(b"damaged")
    last.unlink()
    (tmp_path / "s" / "shards" / "r001-0000" / "stranger").write_bytes(b"a stranger")
    found = repair(tmp_path / "s", client)
    assert len(found) == 3
    assert hashes(tmp_path / "s") == before


def test_tables_of_an_analysis_are_made_anew(client, tmp_path, whole) -> None:
    few = {"endpoints": 16, "pairs": 4}
    runner.sweep(SMALL, tmp_path / "s", client)
    runner.analyze(tmp_path / "s", client, **few)
    study = runner.sweep(LARGE, tmp_path / "s", client)
    with pytest.raises(StudyError, match="older than the study's restarts"):
        _ = study.verdicts
    analysed = runner.analyze(tmp_path / "s", client, **few)
    shutil.copytree(whole.path, tmp_path / "whole")
    at_once = runner.analyze(tmp_path / "whole", client, **few)
    for name in ("curvature", "classes", "minima", "unseen", "barriers", "verdicts"):
        pd.testing.assert_frame_equal(getattr(analysed, name), getattr(at_once, name))
    page = runner.write_report(analysed).read_text()
    assert "2: the study has grown" in page


def test_a_model_is_trusted_anew(client, tmp_path) -> None:
    shutil.copy(ROOT / "experiments" / "units.py", tmp_path)
    toml = tmp_path / "own.toml"
    text = 'name = "own"\nproblem.gate = "XOR"\nnetwork.model = "units.py:sine"\n'
    toml.write_text(f"restarts = 4\n{text}training.max_steps = 5\n")
    runner.sweep(toml, tmp_path / "s", client, trust_model=True)
    toml.write_text(f"restarts = 9\n{text}training.max_steps = 5\n")
    with pytest.raises(ExperimentError, match="trust"):
        runner.sweep(toml, tmp_path / "s", client)
    grown = runner.sweep(toml, tmp_path / "s", client, trust_model=True)
    assert len(grown.restarts) == 9
    source = (tmp_path / "units.py").read_text()
    (tmp_path / "units.py").write_text(f"# changed\n{source}")
    toml.write_text(f"restarts = 12\n{text}training.max_steps = 5\n")
    with pytest.raises(StudyError, match="the content of its file was"):
        runner.sweep(toml, tmp_path / "s", client, trust_model=True)


def test_commands_say_what_is_added(scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    (tmp_path / "e.toml").write_text(
        'name = "e"\nrestarts = 5\nproblem.gate = "AND"\nnetwork.hidden = []\n'
        "training.max_steps = 9\n"
    )

    def sweep(*words: object):
        command = ["sweep", tmp_path / "e.toml", "--out", tmp_path / "s", *words]
        return CliRunner().invoke(app, [str(word) for word in command])

    assert "adds" not in sweep().stderr
    more = ("--restarts", 7, "--grid", "problem.gate=AND,OR")
    adds = "adds 2 restarts, and 1 configuration of 7 restarts"
    planned = sweep(*more, "--dry-run")
    assert f"e: {adds}: 9 restarts in 1 batch; 1 compiled function" in planned.stdout
    assert not (tmp_path / "s" / "rounds").exists()
    assert adds in sweep(*more).stderr
    again = sweep(*more)
    assert "adds" not in again.stderr
    assert "Already finished" in again.stdout
    fewer = sweep("--restarts", 6, "--grid", "problem.gate=AND,OR")
    assert fewer.exit_code == 3
    assert "restarts is 6; expected at least 7" in fewer.stderr
    told = sweep("--restarts", 6, "--grid", "problem.gate=AND,OR", "--dry-run")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "restarts is 6; expected at least 7" in told.stderr
    status = CliRunner().invoke(app, ["status", str(tmp_path / "s")]).stdout
    assert "finished, 14 of 14 restarts, 2 of 2 batches" in status
    checked = CliRunner().invoke(app, ["verify", str(tmp_path / "s"), "--hashes"]).stdout
    for sha256 in runner.open_study(tmp_path / "s").configuration_hashes:
        assert sha256 in checked
    assert len(json.loads((tmp_path / "s" / "rounds" / "001.json").read_bytes())["sha256"]) == 64
