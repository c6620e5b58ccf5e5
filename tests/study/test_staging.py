"""Shards that workers write themselves: which folder is believed, and which files are."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import pytest
from support.stores import begun

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import staging
from runner.study.group_commit import Ready
from runner.study.staging import StagedShard, Staging
from runner.study.store import Store


def chosen(batch: Batch) -> bool:
    """Whether a batch is one of those that are read whole, by the rule as it is stated."""
    return hashlib.sha256(batch.name.encode()).digest()[0] % staging.VERIFIED == 0


BATCHES = [Batch(0, k, k + 10) for k in range(0, 10_000, 10)]
CHOSEN = [batch for batch in BATCHES if chosen(batch)]
OTHERS = [batch for batch in BATCHES if not chosen(batch)]
PLAN = Plan(
    load_experiment({"name": "t", "restarts": 10_000, "problem": {"gate": "XOR"}}), None, 10
)


@pytest.fixture
def store(tmp_path) -> Store:
    return begun(tmp_path / "study", PLAN)


@pytest.fixture
def writer(store):
    with store.writer() as writer:
        yield writer


def test_only_the_very_token_is_believed(writer, tmp_path) -> None:
    with writer.staging() as ours, writer.staging() as others:
        assert ours.problem() == ""
        token = Path(ours.folder, "token")
        for content in ("", ours.token[:-1], ours.token + "0", others.token):
            token.write_text(content)
            assert "holds another token; expected the token that the client wrote" in ours.problem()
        token.unlink()
        assert "No such file or directory" in ours.problem()
        Path(tmp_path, "elsewhere").write_text(ours.token)
        token.symlink_to(tmp_path / "elsewhere")
        assert "cannot be read" in ours.problem()
    assert "No such file or directory" in ours.problem()


def test_a_worker_of_an_earlier_run_can_write_nothing(store) -> None:
    with store.writer() as writer, writer.staging() as earlier:
        pass
    with pytest.raises(FileNotFoundError):
        earlier.stage(BATCHES[0].name, b"shard")
    assert not store.staging_path.exists()


def test_what_a_worker_tells_is_small_and_the_file_is_whole(writer) -> None:
    with writer.staging() as place:
        shard = place.stage(BATCHES[3].name, b"x" * 100_000)
        assert len(pickle.dumps(shard)) < 300
        assert len(pickle.dumps(place)) < 500
        assert (shard.size, shard.sha256) == (100_000, hashlib.sha256(b"x" * 100_000).hexdigest())
        assert place.read(shard) == place.path(shard).read_bytes() == b"x" * 100_000


def test_two_workers_with_one_batch_write_two_files(writer, store) -> None:
    with writer.staging() as place:
        first, second = (place.stage(BATCHES[0].name, b"shard") for _ in range(2))
        assert first.name != second.name
        writer.commit_together([Ready(BATCHES[0], second, 10)], place)
        assert place.path(first).exists()
        # and an answer that comes after a crash between the rename and the log
        writer.commit_together([Ready(BATCHES[0], first, 10)], place)
    assert store.shard_path(BATCHES[0]).read_bytes() == b"shard"
    assert store.log.path.read_bytes().count(b"\n") == 1
    assert not store.staging_path.exists()


def test_a_file_of_another_size_is_found_always_and_other_bytes_by_the_rule(writer) -> None:
    assert 5 < len(CHOSEN) < 30  # of a thousand
    with writer.staging() as place:
        for batch in CHOSEN[:3] + OTHERS[:3]:
            shard = place.stage(batch.name, b"shard")
            assert place.disagreement(shard, batch) == ""
            place.path(shard).write_bytes(b"sharD")
            found = place.disagreement(shard, batch)
            assert found == (
                f"{shard.name} has another SHA-256 than its worker has said"
                if chosen(batch)
                else ""
            )
            place.path(shard).write_bytes(b"shards")
            assert "has 6 bytes, not the 5 that it should" in place.disagreement(shard, batch)
            with pytest.raises(ValueError, match="6 bytes"):
                place.read(shard)


@pytest.mark.parametrize("batch", [CHOSEN[0], OTHERS[0]], ids=["chosen", "another"])
def test_what_is_no_staged_file_is_not_believed(writer, tmp_path, batch) -> None:
    with writer.staging() as place:
        shard = place.stage(batch.name, b"shard")
        path = place.path(shard)
        path.rename(tmp_path / "outside")
        assert "No such file" in place.disagreement(shard, batch)
        path.symlink_to(tmp_path / "outside")
        assert "cannot be read" in place.disagreement(shard, batch)
        path.unlink()
        os.mkfifo(path)
        assert "is no file" in place.disagreement(shard, batch)
        path.unlink()
        for name in ("../x.0123456789ab.parquet", "token", "", "/etc/passwd"):
            foreign = StagedShard(name, 5, shard.sha256)
            assert "is no name of a staged shard" in place.disagreement(foreign, batch)


def test_only_what_runs_have_left_is_removed(store) -> None:
    with store.writer() as writer, writer.staging() as place:
        folder = Path(place.folder)
        place.stage(BATCHES[0].name, b"shard")
        theirs = [folder / "notes.txt", store.staging_path / "mine.parquet"]
        theirs.append(store.staging_path / "0123" / "x.0123456789ab.parquet")
        theirs[-1].parent.mkdir()
        for path in theirs:
            path.write_text("mine")
    left = [path for path in store.staging_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(theirs)
    for path in theirs:
        path.unlink()
    theirs[-1].parent.rmdir()
    with store.locked():
        assert not store.staging_path.exists()


def test_staged_files_are_not_removed_through_a_link(store, tmp_path) -> None:
    outside = tmp_path / "outside" / "0123456789abcdef"
    outside.mkdir(parents=True)
    (outside / "token").write_text("mine")
    store.staging_path.symlink_to(outside.parent)
    with pytest.raises(StudyError, match="symbolic link"), store.locked():
        pass
    store.staging_path.unlink()
    store.staging_path.mkdir()
    (store.staging_path / outside.name).symlink_to(outside)
    with store.locked():
        pass
    assert (outside / "token").read_text() == "mine"


def test_staging_needs_the_lock(store) -> None:
    with store.writer() as writer:
        pass
    with pytest.raises(RuntimeError, match="without its lock"), writer.staging():
        pass
    assert not store.staging_path.exists()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path) -> None:
    if os.geteuid() == 0:
        pytest.skip("for root everything can be written to")
    (tmp_path / "token").write_text("t")
    tmp_path.chmod(0o500)
    assert "cannot be written to" in Staging(str(tmp_path), "t").problem()
