"""Damage on disk: every kind is found, moved aside and trained again to the same bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import runner
from runner.dispatch.sweep import repair
from runner.experiment.content_hash import digest
from runner.study import damage
from runner.study.store import Store

EXPERIMENT = {
    "name": "damage",
    "restarts": 6,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}


@pytest.fixture(scope="module")
def whole(client, tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / "study"
    return runner.sweep(EXPERIMENT, path, client, batch_size=2).path


@pytest.fixture
def study(whole, tmp_path) -> Store:
    shutil.copytree(whole, tmp_path / "study")
    return Store(tmp_path / "study")


def contents(path: Path) -> dict[str, bytes]:
    kept = [*(path / "shards").rglob("*.parquet"), path / "plan.json", path / "commits.jsonl"]
    return {str(p.relative_to(path)): p.read_bytes() for p in kept}


@pytest.fixture
def found(study):
    """Find the damage; the plan is read once, as it stays whole."""
    plan = study.read_plan()[0]
    return lambda: damage.find(study, plan)


def shards(store: Store) -> list[Path]:
    return sorted(store.shards_path.rglob("*.parquet"))


def test_an_undamaged_study_has_no_damage(study, found) -> None:
    assert found() == []


def test_a_shard_cut_at_any_byte_is_found(study, found) -> None:
    path = shards(study)[1]
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert [d.path for d in found()] == [path]


def test_any_flipped_bit_of_a_shard_is_found(study, found) -> None:
    path = shards(study)[0]
    data = path.read_bytes()
    for byte in range(len(data)):
        bit = byte % 8  # one bit of each byte; the hash knows no difference between bits
        path.write_bytes(data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :])
        assert [d.path for d in found()] == [path]


def test_any_flipped_bit_of_the_log_is_found(study, found) -> None:
    data = study.log.path.read_bytes()
    for byte in range(len(data)):
        for bit in range(8):
            study.log.path.write_bytes(
                data[:byte] + bytes([data[byte] ^ 1 << bit]) + data[byte + 1 :]
            )
            assert found(), f"byte {byte}, bit {bit}"


def test_a_log_cut_at_any_byte_is_found(study, found) -> None:
    data = study.log.path.read_bytes()
    for size in range(len(data)):
        study.log.path.write_bytes(data[:size])
        assert found(), f"cut at {size}"


def swap(store: Store) -> None:
    first, second = shards(store)[:2]
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)


def cut(store: Store) -> None:
    path = shards(store)[0]
    path.write_bytes(path.read_bytes()[:-7])


def remove(store: Store) -> None:
    shards(store)[2].unlink()


def link_away(store: Store) -> None:
    path = shards(store)[0]
    target = store.path / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def link_a_folder_away(store: Store) -> None:
    folder = store.shards_path / "0000"
    target = store.path / "elsewhere"
    folder.rename(target)
    folder.symlink_to(target)


def link_all_shards_away(store: Store) -> None:
    target = store.path / "elsewhere"
    store.shards_path.rename(target)
    store.shards_path.symlink_to(target)


def add_a_stranger(store: Store) -> None:
    (store.shards_path / "0000" / "notes.parquet").write_bytes(b"mine")


def duplicate_a_line(store: Store) -> None:
    data = store.log.path.read_bytes()
    store.log.path.write_bytes(data + data.splitlines(keepends=True)[0])


def break_a_line(store: Store) -> None:
    lines = store.log.path.read_bytes().splitlines(keepends=True)
    store.log.path.write_bytes(lines[0] + b"nonsense\n" + lines[2])


def tear_the_last_line(store: Store) -> None:
    store.log.path.write_bytes(store.log.path.read_bytes()[:-5])


def lose_the_log(store: Store) -> None:
    store.log.path.unlink()


@pytest.mark.parametrize(
    "harm",
    [
        swap,
        cut,
        remove,
        link_away,
        link_a_folder_away,
        link_all_shards_away,
        add_a_stranger,
        duplicate_a_line,
        break_a_line,
        tear_the_last_line,
        lose_the_log,
    ],
)
def test_repair_brings_back_the_same_bytes_and_deletes_nothing(
    study, found, whole, client, harm
) -> None:
    before = contents(whole)
    harm(study)
    harmed = {p: p.read_bytes() for p in study.path.rglob("*.parquet") if p.exists()}
    assert found()
    repair(study.path, client=client)
    after = contents(study.path)
    log = "commits.jsonl"
    assert sorted(after.pop(log).splitlines()) == sorted(before.pop(log).splitlines())
    assert after == before
    assert found() == []
    left = [p.read_bytes() for p in study.path.rglob("*") if p.is_file()]
    for data in harmed.values():
        assert data in left


def test_what_other_versions_trained_is_left_as_it_is(study, found, client) -> None:
    content = json.loads(study.plan_path.read_text())
    content.pop("sha256")
    content["versions"]["pyarrow"] = "0.1"  # which is named in every shard
    study.plan_path.write_text(json.dumps(content | {"sha256": digest(content)}))
    add_a_stranger(study)
    repair(study.path, client=client)  # which needs no training
    assert found() == []
    shard = next(study.shards_path.rglob("*.parquet"))
    shard.write_bytes(b"damaged")
    with pytest.raises(runner.StudyError, match=r"pyarrow.*0\.1.* Nothing was moved"):
        repair(study.path, client=client)
    assert shard.read_bytes() == b"damaged"


def test_a_plan_that_is_gone_is_an_error(study) -> None:
    study.plan_path.unlink()
    with pytest.raises(runner.StudyError, match="no study here"):
        study.read_plan()
