"""Checkpoints of an analysis on disk: only whole ones of this very analysis are used."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pytest
from support.crafted import crafted

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.landscape import checkpoints as module
from runner.landscape.checkpoints import Checkpoints
from runner.study.store import Store
from runner.training.shards import encode

BATCH = Batch(0, 0, 3)
TABLE = pa.table({"row": [0, 1, 2]})


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(crafted(tmp_path / "s", {0: [9, 9, 9]}, {0: [True, True, False]}).path)


def test_a_part_is_read_as_it_was_written(store) -> None:
    with store.locked() as lock:
        checkpoints = Checkpoints(store, lock, "key")
        checkpoints.prepare()
        assert checkpoints.missing("endpoints", [BATCH]) == [BATCH]
        checkpoints.write("endpoints", BATCH, [encode(TABLE.slice(0, 1)), encode(TABLE.slice(1))])
        again = Checkpoints(store, lock, "key")
        again.prepare()
        assert again.missing("endpoints", [BATCH]) == []
        ((batch, frame),) = again.read("endpoints", [BATCH])
    assert batch == BATCH
    assert frame["row"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("changed", ["key", "source"])
def test_parts_of_another_analysis_or_source_are_removed(store, monkeypatch, changed) -> None:
    with store.locked() as lock:
        checkpoints = Checkpoints(store, lock, "key")
        checkpoints.prepare()
        checkpoints.write("endpoints", BATCH, [encode(TABLE)])
        if changed == "source":
            monkeypatch.setattr(module, "source", lambda: "c0ffee11")
        other = Checkpoints(store, lock, "other" if changed == "key" else "key")
        assert other.missing("endpoints", [BATCH]) == [BATCH]
        other.prepare()
        monkeypatch.undo()
        assert checkpoints.missing("endpoints", [BATCH]) == [BATCH]


@pytest.mark.parametrize("damage", [b"nonsense", b"PAR1", encode(TABLE)[:-9]])
def test_a_damaged_part_is_named_with_the_way_out(store, damage) -> None:
    with store.locked() as lock:
        checkpoints = Checkpoints(store, lock, "key")
        checkpoints.prepare()
        checkpoints.write("endpoints", BATCH, [encode(TABLE)])
        (path,) = (store.tables_path / "parts").rglob("*.parquet")
        path.write_bytes(damage)
        with pytest.raises(StudyError, match=r"cannot be read \(.*\)\. Delete this file") as caught:
            list(checkpoints.read("endpoints", [BATCH]))
        assert "\n" not in str(caught.value)
        path.unlink()
        assert checkpoints.missing("endpoints", [BATCH]) == [BATCH]


def test_nothing_is_kept_with_the_lock_of_another_study(store, tmp_path) -> None:
    shutil.copytree(store.path, tmp_path / "other")
    with Store(tmp_path / "other").locked() as lock:
        checkpoints = Checkpoints(store, lock, "key")
        with pytest.raises(RuntimeError, match="with the lock of"):
            checkpoints.prepare()
    assert not (store.tables_path / "parts").exists()
