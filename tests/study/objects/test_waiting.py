"""Batches whose shards are in the store only: none is lost, and none counts before it is whole."""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path

import pytest
from support.disk import Disk
from support.in_process import swept
from support.s3_server import EXPERIMENT, URL, S3Server, tag
from support.workers import hashes

import runner
from runner.study import damage
from runner.study.commits import Commit
from runner.study.group_commit import Ready
from runner.study.objects.log import shard_name
from runner.study.objects.object_store import ObjectStore
from runner.study.objects.waiting import bring_in
from runner.study.objects.worker_shards import StoredShard
from runner.study.store import Store

BELOW = "studies/some/gates/"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Store:
    """A finished study of four batches; nothing may change it."""
    return Store(swept(tmp_path_factory.mktemp("waiting") / "whole", EXPERIMENT, batch_size=1).path)


@pytest.fixture
def stored(server, whole) -> S3Server:
    """A server that has the shards of the finished study."""
    for commit in whole.commits():
        server.objects[BELOW + shard_name(commit.batch)] = whole.shard_path(
            commit.batch
        ).read_bytes()
    return server


def begin(path: Path, whole: Store) -> Store:
    """Begin the same study, of which the first batch is here and the others are in a store."""
    store = Store(path)
    ready = []
    for commit in whole.commits():
        shard = whole.shard_path(commit.batch).read_bytes()
        told = StoredShard(len(shard), commit.sha256, tag(shard))
        ready.append(Ready(commit.batch, told if ready else shard, commit.rows))
    with store.writer() as writer:
        writer.create(whole.read_plan()[0])
        writer.commit_together(ready)
    return store


def brought_in(store: Store) -> list[Commit]:
    with store.writer() as writer:
        return bring_in(writer, store.waiting(), ObjectStore(URL))


def require_whole(store: Store, whole: Store) -> None:
    assert hashes(store.path) == hashes(whole.path)
    assert sorted(store.log.lines()[0]) == sorted(whole.log.lines()[0])
    assert not store.waiting_path.exists()


def test_what_waits_is_committed_and_the_copy_is_a_study_without_it(stored, whole, tmp_path):
    store = begin(tmp_path / "s", whole)
    assert [c.batch for c in store.commits()] == [whole.commits()[0].batch]
    assert {c.batch: c for c in store.all_commits()} == {c.batch: c for c in whole.commits()}
    assert store.remaining(whole.read_plan()[0]) == []
    assert runner.open_study(store.path).n_done == 1
    assert brought_in(store) == []
    require_whole(store, whole)


@pytest.mark.parametrize("cut", [False, True], ids=["a refusing disk", "a power cut"])
def test_the_disk_can_fail_at_every_second_operation(stored, whole, tmp_path, cut) -> None:
    before = begin(tmp_path / "before", whole)
    batches = {commit.batch for commit in whole.commits()}
    for at in itertools.count(1, 2):
        path = Path(shutil.copytree(before.path, tmp_path / str(at)))
        disk = Disk(path, at, "EIO", lasting=True)
        failed = False
        with disk.installed():
            try:
                brought_in(Store(path))
            except runner.StudyError:
                failed = True
        if cut:
            path = tmp_path / f"{at}-cut"
            disk.lost(path, random.Random(at))
        store = Store(path)
        assert {commit.batch for commit in store.all_commits()} == batches
        with store.locked():
            damages = damage.find(store, whole.read_plan()[0])
        assert {each.problem for each in damages} <= {"is not in the log"}
        assert brought_in(store) == []
        require_whole(store, whole)
        if disk.count < at:
            break
        assert failed or disk.struck.endswith((".lock.holder", f"mkdir {tmp_path / str(at)}"))
    assert at > 10


def test_lines_that_are_none_count_for_nothing(stored, whole, tmp_path) -> None:
    store = begin(tmp_path / "s", whole)
    lines = store.waiting_path.read_bytes().splitlines(keepends=True)
    store.waiting_path.write_bytes(lines[0] + b"something\n" + lines[1] + lines[2][:-9])
    assert [c.batch for c in store.waiting()] == [c.batch for c in whole.commits()[1:3]]
    assert store.remaining(whole.read_plan()[0]) == [whole.commits()[3].batch]
    assert brought_in(store) == []
    assert len(store.commits()) == 3


def test_a_study_that_gives_way_leaves_nothing_that_waits(stored, whole, tmp_path) -> None:
    store = begin(tmp_path / "s", whole)
    with store.writer() as writer:
        writer.clear()
    assert store.waiting() == []
