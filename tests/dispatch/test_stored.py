"""Sweeps into a URL whose workers write shards into the store: the same study, whatever happens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faulty import LosesAnswers
from support.s3_server import EXPERIMENT, URL, S3Server, reached, serving
from support.workers import hashes

import runner
from runner.errors import ClusterError, StudyError
from runner.experiment.batches import Batch
from runner.study.objects import object_store, worker_shards
from runner.study.objects.copy import pull, release
from runner.study.objects.url_copy import changeable, copy_of
from runner.study.objects.worker_shards import StoredShard, WorkersPlace
from runner.study.store import Store

EXPERIMENT = EXPERIMENT | {"restarts": 12}
SHARED = {"batch_size": 2, "shared": True}
N_BATCHES = 6


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[S3Server]:
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "here"))
    with serving() as server, reached(server, monkeypatch):
        yield server


@pytest.fixture(scope="module")
def clean(client, tmp_path_factory) -> runner.Study:
    return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("f") / "s", client, batch_size=2)


def assert_same(server: S3Server, clean: runner.Study, tmp_path: Path) -> None:
    """Assert that copy and store hold another study, shard by shard, and line by line."""
    pull(URL, tmp_path / "pulled")
    for path in (copy_of(URL), tmp_path / "pulled"):
        assert hashes(path) == hashes(clean.path)
        logs = [sorted(Store(each).log.lines()[0]) for each in (path, clean.path)]
        assert logs[0] == logs[1]
    assert server.is_free("some/gates")
    assert not (copy_of(URL) / "staging").exists()


def test_workers_write_each_shard_once_and_the_client_the_log(
    server, client, clean, tmp_path
) -> None:
    study = runner.sweep(EXPERIMENT, URL, client, audit=0.3, **SHARED)
    requests = Counter(operation for operation, key in server.log if key.endswith("0.parquet"))
    requests += Counter(op for op, key in server.log if "shards/" in key and key[-9] != "0")
    assert {requests["PUT"], requests["GET"]} == {N_BATCHES}
    assert study.complete
    assert len(Store(study.path).audits()) == 2
    told = [
        json.loads(each.path.joinpath("telemetry/batches.jsonl").read_text().splitlines()[0])
        for each in (study, clean)
    ]
    assert told[0].keys() == told[1].keys()
    assert_same(server, clean, tmp_path)


def test_a_worker_that_has_written_and_tells_nobody_loses_and_doubles_nothing(
    server, client, clean, tmp_path, monkeypatch
) -> None:
    """As one that dies; `make crash-objects` kills clients too."""
    monkeypatch.setattr("runner.dispatch.training_tasks.StoredTraining", LosesAnswers)
    study = runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert sum(op == "PUT" and "shards/" in key for op, key in server.log) == N_BATCHES + 3
    assert not len(study.failures)
    assert_same(server, clean, tmp_path)


@pytest.mark.parametrize("fault", ["other bytes", "longer", "the same", "lost answers"])
def test_what_is_there_already_is_taken_or_replaced(server, client, clean, tmp_path, fault) -> None:
    """As dead clients leave it, workers that compute otherwise, or a connection that breaks."""
    for path in clean.path.rglob("*.parquet"):
        data = path.read_bytes()
        changed = {"other bytes": data[::-1], "longer": data + b"x", "the same": data}
        name = f"studies/some/gates/{path.relative_to(clean.path).as_posix()}"
        if "shards" in name and fault in changed:
            server.objects[name] = changed[fault]
    server.lose = 2 if fault == "lost answers" else 0
    study = runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert not len(study.failures)
    assert_same(server, clean, tmp_path)


def test_a_store_that_fails_gets_later_what_workers_could_not_write(
    server, client, clean, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(object_store, "_RETRIES", 0)

    def fail(operation: str, key: str) -> None:
        if operation == "PUT" and "shards/" in key:
            server.fail_from = 1

    server.before = fail
    with pytest.raises(StudyError, match="Nothing is lost"):
        runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert hashes(copy_of(URL)) == hashes(clean.path)
    server.be_well()
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert_same(server, clean, tmp_path)


def test_an_object_that_is_gone_before_it_is_fetched_is_trained_again(
    server, client, clean, tmp_path
) -> None:
    gone: list[str] = []

    def remove(operation: str, key: str) -> None:
        if operation == "GET" and "shards/" in key and len(gone) < 2 and key not in gone:
            gone.append(key)
            del server.objects[key]

    server.before = remove
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert len(gone) == 2
    assert_same(server, clean, tmp_path)


def test_without_the_clients_lease_a_worker_writes_nothing(server) -> None:
    batch = Batch(0, 0, 1)
    place = WorkersPlace(URL, "a token")
    assert "was released" in place.problem()
    assert place.put(batch, b"shard") is None
    with changeable(URL):
        assert "is in use by process" in place.problem()
        assert place.put(batch, b"shard") is None
        assert server.below("some/gates") == {}
        token = json.loads(server.objects["studies/some/gates/.lock"])["token"]
        assert WorkersPlace(URL, token).problem() == ""
        shard = WorkersPlace(URL, token).put(batch, b"shard")
        assert shard == StoredShard(5, worker_shards.sha256(b"shard"))
        release(URL)
        assert WorkersPlace(URL, token).put(Batch(0, 1, 2), b"shard") is None
    assert [*server.below("some/gates")] == ["shards/0000/000000000000-000000000001.parquet"]


def test_workers_that_cannot_reach_the_store_are_refused_before_they_get_work(
    server, client, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(WorkersPlace, "problem", lambda place: f"{place.url}: no credentials.")
    with pytest.raises(ClusterError, match=r"no credentials\. Give workers what the client's") as e:
        runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert "leave out shared (--shared)" in str(e.value)
    assert "plan.json" not in server.below("some/gates")


def test_a_lease_that_is_released_meanwhile_ends_in_one_line_and_nothing_is_lost(
    server, client, clean, tmp_path
) -> None:
    def let_go(operation: str, key: str) -> None:
        if operation == "PUT" and "shards/" in key:
            server.objects["studies/some/gates/.lock"] = b"{}\n"

    server.before = let_go
    with pytest.raises(StudyError, match="the lease of this client was released"):
        runner.sweep(EXPERIMENT, URL, client, **SHARED)
    server.be_well()
    assert hashes(copy_of(URL)) == hashes(clean.path)
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert_same(server, clean, tmp_path)
