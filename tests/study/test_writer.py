"""What a writer commits when the log, the folder and the batch do not agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stores import begun

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.store import Store
from runner.study.writer import Writer

BATCH = Batch(0, 0, 10)
PLAN = Plan(load_experiment({"name": "t", "restarts": 10, "problem": {"gate": "XOR"}}))


@pytest.fixture
def store(tmp_path) -> Store:
    return begun(tmp_path / "study", PLAN)


def lines(store: Store) -> int:
    return store.log.path.read_bytes().count(b"\n")


def test_a_shard_that_the_log_lacks_is_compared_and_then_logged(store) -> None:
    path = store.shard_path(BATCH)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"shard")  # as after a crash between the rename and the log's line
    with pytest.raises(StudyError, match="another SHA-256"), store.writer() as writer:
        writer.commit(BATCH, b"other", 10, [])
    assert path.read_bytes() == b"shard"
    assert store.commits() == []
    with store.writer() as writer:
        made = writer.commit(BATCH, b"shard", 10, [])
    assert store.commits() == [made]


def test_a_shard_that_is_gone_must_come_back_with_the_bytes_that_the_log_says(store) -> None:
    with store.writer() as writer:
        made = writer.commit(BATCH, b"shard", 10, [])
    path = store.shard_path(BATCH)
    path.unlink()
    with pytest.raises(StudyError, match="another SHA-256"), store.writer() as writer:
        writer.commit(BATCH, b"other", 10, [])
    assert not path.exists()
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])
    assert path.read_bytes() == b"shard"
    assert store.commits() == [made]
    assert lines(store) == 1


def test_a_batch_that_one_writer_commits_twice_is_logged_once(store) -> None:
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])
        writer.commit(BATCH, b"shard", 10, [])
    assert lines(store) == 1


@pytest.mark.parametrize("shard", [b"shard", b"other"])
def test_a_writer_that_has_cleared_a_study_knows_of_no_commit(store, shard) -> None:
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])
        writer.clear()
        writer.create(PLAN)
        made = writer.commit(BATCH, shard, 10, [])
    assert store.commits() == [made]
    assert store.shard_path(BATCH).read_bytes() == shard


def write_all(writer: Writer) -> None:
    writer.commit(BATCH, b"shard", 10, [])
    writer.record({"batch": 1})
    writer.record_audit({"batch": 1})


@pytest.mark.parametrize(
    "name",
    [
        "shards",
        "shards/0000",
        f"shards/{BATCH.name}.parquet",
        "telemetry",
        "telemetry/batches.jsonl",
        "telemetry/audit.jsonl",
    ],
)
def test_nothing_is_written_through_a_link(store, tmp_path, name) -> None:
    with store.writer() as writer:
        write_all(writer)
    outside, inside = tmp_path / "outside", store.path / name
    inside.rename(outside)
    inside.symlink_to(outside)

    def content() -> dict[Path, bytes]:
        found = [outside, *outside.rglob("*")]
        return {path: path.read_bytes() for path in found if path.is_file()}

    before = content()
    with pytest.raises(StudyError, match="is a symbolic link"), store.writer() as writer:
        write_all(writer)
    assert content() == before
