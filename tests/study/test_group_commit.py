"""Many batches committed together: what one commit promises holds for each of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stores import begun

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import damage
from runner.study.group_commit import Ready
from runner.study.store import Store

BATCHES = [Batch(group, k, k + 10) for group in range(3) for k in range(0, 40, 10)]
GRID = {"grid": {"network.hidden": [[], [2], [3]]}}
PLAN = Plan(
    load_experiment({"name": "t", "restarts": 40, "problem": {"gate": "XOR"}} | GRID), batch_size=10
)
READY = [Ready(batch, batch.name.encode(), 10) for batch in BATCHES]


@pytest.fixture
def store(tmp_path) -> Store:
    return begun(tmp_path / "study", PLAN)


def files_of(path: Path) -> dict[str, bytes]:
    found = [p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".lock")]
    return {str(p.relative_to(path)): p.read_bytes() for p in found}


def test_a_group_is_what_its_batches_are_one_by_one(store, tmp_path) -> None:
    alone = Store(tmp_path / "alone")
    with alone.writer() as writer:
        writer.create(PLAN)
        for ready in READY:
            writer.commit(ready.batch, ready.shard, 10, [])
    with store.writer() as writer:
        made = writer.commit_together(READY)
    assert made == store.commits() == alone.commits()
    assert files_of(store.path) == files_of(alone.path)
    assert damage.find(store, PLAN) == []


def test_a_group_is_synced_by_far_fewer_calls(store, monkeypatch) -> None:
    synced = []
    fsync = os.fsync

    def count(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    with store.writer() as writer:
        writer.commit_together(READY)
        names = [Path(path).name for path in synced]
        assert names.count("commits.jsonl") == 1
        assert names.count("0000") == names.count("0001") == 1
        assert sum(name.endswith(".parquet.tmp") for name in names) == len(READY)
        synced.clear()
        with writer.staging() as place:
            more = [
                Ready(b, place.stage(b.name, b"s"), 10) for b in (Batch(5, 0, 9), Batch(5, 9, 10))
            ]
            synced.clear()
            writer.commit_together(more, place)
    # the new folder's name, its content, the log
    assert [Path(path).name for path in synced[:3]] == ["shards", "0005", "commits.jsonl"]
    assert len(synced) <= 3


@settings(max_examples=20)
@given(st.sets(st.integers(0, len(BATCHES) - 1)), st.sets(st.integers(0, len(BATCHES) - 1)))
def test_bytes_that_differ_keep_no_other_batch_from_the_log(there, wrong) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "study")
        with store.writer() as writer:
            writer.create(PLAN)
            for k in there:  # as after a crash between the renames and the log
                path = store.shard_path(BATCHES[k])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"other" if k in wrong else READY[k].shard)
            if there & wrong:
                with pytest.raises(StudyError, match="another SHA-256"):
                    writer.commit_together(READY)
            else:
                writer.commit_together(READY)
            left = [ready.batch for k, ready in enumerate(READY) if k not in there & wrong]
            assert [commit.batch for commit in store.commits()] == left
            for k in there & wrong:
                assert store.shard_path(BATCHES[k]).read_bytes() == b"other"


def test_a_group_that_a_disk_refuses_leaves_no_line_and_no_temporary_file(
    store, monkeypatch
) -> None:
    rename, renamed = os.rename, []

    def third_fails(source, target) -> None:
        if len(renamed) == 2:
            raise OSError(5, "Input/output error")
        renamed.append(target)
        rename(source, target)

    monkeypatch.setattr(os, "rename", third_fails)
    with pytest.raises(StudyError, match="cannot write"), store.writer() as writer:
        writer.commit_together(READY)
    assert store.commits() == []
    assert not list(store.path.rglob("*.tmp"))
    monkeypatch.undo()
    with store.writer() as writer:
        writer.commit_together(READY)
    assert damage.find(store, PLAN) == []


def test_every_cut_of_a_groups_lines_is_gone_on_from(store) -> None:
    with store.writer() as writer:
        writer.commit_together(READY)
    whole = store.log.path.read_bytes()
    for cut in range(0, len(whole), 101):
        store.log.path.write_bytes(whole[:cut])
        with store.writer() as writer:
            done = {commit.batch for commit in store.commits()}
            assert len(done) == whole[:cut].count(b"\n")
            writer.commit_together([ready for ready in READY if ready.batch not in done])
        assert store.log.path.read_bytes() == whole
