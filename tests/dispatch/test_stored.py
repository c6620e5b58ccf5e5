"""Sweeps into a URL whose workers write shards into the store: the same study, whatever happens."""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import tomli_w
from support.faulty import LosesAnswers
from support.s3_server import EXPERIMENT, URL, S3Server, tag, tell_workers
from support.workers import hashes, join, workers
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.dispatch.stored_training import SharesStore
from runner.dispatch.sweep import repair_at
from runner.errors import ClusterError, StudyError
from runner.experiment.batches import Batch
from runner.study.commits import Commit
from runner.study.objects import object_store, worker_shards
from runner.study.objects.copy import pull, release
from runner.study.objects.log import shard_name
from runner.study.objects.url_copy import changeable, copy_of, readable, workplace
from runner.study.objects.worker_shards import StoredShard, WorkersPlace
from runner.study.store import Store

EXPERIMENT = EXPERIMENT | {"restarts": 12}
SHARED = {"batch_size": 2, "shared": True}
N_BATCHES = 6


@pytest.fixture(scope="module")
def clean(client, tmp_path_factory) -> runner.Study:
    return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("f") / "s", client, batch_size=2)


def assert_same(server: S3Server, clean: runner.Study, tmp_path: Path) -> None:
    """Assert that copy and store hold another study, shard by shard, and line by line."""
    readable(URL)
    assert not Store(copy_of(URL)).waiting()
    pull(URL, tmp_path / "pulled")
    for path in (copy_of(URL), tmp_path / "pulled"):
        assert hashes(path) == hashes(clean.path)
        logs = [sorted(Store(each).log.lines()[0]) for each in (path, clean.path)]
        assert logs[0] == logs[1]
    assert server.is_free("some/gates")
    assert not (copy_of(URL) / "staging").exists()


def requests(server: S3Server) -> Counter[str]:
    """Count what was asked of shards."""
    return Counter(operation for operation, key in server.log if "shards/" in key)


def test_workers_write_each_shard_once_and_the_client_the_log(
    server, client, clean, tmp_path
) -> None:
    study = runner.sweep(EXPERIMENT, URL, client, audit=0.3, **SHARED)
    assert requests(server) == {"PUT": N_BATCHES, "HEAD": N_BATCHES}
    assert Store(study.path).commits() == []
    assert study.complete  # for which the shards are got
    assert requests(server) == {"PUT": N_BATCHES, "HEAD": N_BATCHES, "GET": N_BATCHES}
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


def test_an_object_that_is_gone_before_its_batch_is_committed_is_trained_again(
    server, client, clean, tmp_path
) -> None:
    gone: list[str] = []

    def remove(operation: str, key: str) -> None:
        if operation == "HEAD" and "shards/" in key and len(gone) < 2 and key not in gone:
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
        assert shard == StoredShard(5, worker_shards.sha256(b"shard"), tag(b"shard"))
        release(URL)
        assert WorkersPlace(URL, token).put(Batch(0, 1, 2), b"shard") is None
    assert [*server.below("some/gates")] == ["shards/0000/000000000000-000000000001.parquet"]


def test_workers_that_cannot_reach_the_store_are_refused_before_they_get_work(
    server, client, tmp_path, monkeypatch
) -> None:
    def problem(place: WorkersPlace) -> str:
        is_client = threading.current_thread() is threading.main_thread()
        return "" if is_client else f"{place.url}: no credentials."

    monkeypatch.setattr(WorkersPlace, "problem", problem)
    monkeypatch.setattr("runner.dispatch.sweep.SharesStore", partial(SharesStore, late_s=0.1))
    with pytest.raises(ClusterError, match=r"no credentials\. Give workers what the client's") as e:
        runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert "leave out shared (--shared)" in str(e.value)
    assert "plan.json" not in server.below("some/gates")


def test_a_store_that_is_away_while_workers_are_asked_costs_no_worker(
    server, client, clean, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(object_store, "_RETRIES", 0)
    n_away = 0

    def reset(operation: str, key: str) -> None:
        nonlocal n_away
        is_taken = b"token" in server.objects.get("studies/some/gates/.lock", b"")
        if operation == "GET" and key.endswith(".lock") and is_taken and n_away < 2:
            n_away += 1
            raise ConnectionResetError

    server.before = reset
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert n_away >= 2
    assert_same(server, clean, tmp_path)


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
    store = Store(copy_of(URL))
    assert {c.batch for c in store.all_commits()} == {c.batch for c in Store(clean.path).commits()}
    assert 0 < len(store.waiting()) < N_BATCHES  # what was written before, and what was sent
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert_same(server, clean, tmp_path)


def test_a_worker_that_joins_when_the_lease_is_gone_has_work_and_the_sweep_ends(
    server, clean, tmp_path, monkeypatch
) -> None:
    """It was sent away, and so was each that was started in its place: the sweep never ended."""
    monkeypatch.setattr("runner.dispatch.sweep.SharesStore", partial(SharesStore, late_s=0.1))
    gone = []
    with workers({"CPU": 1}) as (cluster, client):

        def another_worker(progress: runner.Progress) -> None:
            if progress.done and not gone:
                gone.append(cluster.workers[0].address)
                server.objects["studies/some/gates/.lock"] = b"{}\n"
                cluster.sync(cluster.workers[0].close)
                join(cluster, 1)

        with pytest.raises(StudyError, match="the lease of this client was released"):
            runner.sweep(EXPERIMENT, URL, client, report=another_worker, **SHARED)
    assert gone
    assert len(Store(copy_of(URL)).all_commits()) == N_BATCHES
    with workers({"CPU": 1}) as (_, client):
        runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert_same(server, clean, tmp_path)


def interrupted(client, n_done: int) -> list[Commit]:
    """Interrupt a sweep as soon as some batches are committed; return those that wait."""

    def stop(progress: runner.Progress) -> None:
        if progress.done >= 2 * n_done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.sweep(EXPERIMENT, URL, client, report=stop, **SHARED)
    return Store(copy_of(URL)).waiting()


@pytest.mark.parametrize("there", [True, False], ids=["here", "on another machine"])
def test_what_waits_is_neither_trained_nor_written_again(
    server, client, clean, tmp_path, monkeypatch, there
) -> None:
    waiting = interrupted(client, 3)
    assert len(waiting) >= 3
    assert Store(copy_of(URL)).commits() == []
    server.log.clear()
    if not there:
        monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "there"))
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert requests(server)["HEAD"] == N_BATCHES - len(waiting)
    assert_same(server, clean, tmp_path)


@pytest.mark.parametrize("fault", ["gone", "longer", "other bytes"])
def test_what_is_lost_while_it_waits_is_told_and_trained_again(
    server, client, clean, tmp_path, fault, monkeypatch
) -> None:
    lost = f"studies/some/gates/{shard_name(interrupted(client, 1)[0].batch)}"
    # as if the client had died before its first push
    del server.objects["studies/some/gates/commits.jsonl"]
    right = server.objects.pop(lost)
    changed = {"longer": right + b"x", "other bytes": right[::-1]}
    server.objects |= {lost: changed[fault]} if fault in changed else {}
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    assert server.objects[lost] == right
    assert_same(server, clean, tmp_path)


def test_what_is_lost_before_a_table_is_read_is_told_with_the_command(
    server, client, clean, tmp_path
) -> None:
    study = runner.sweep(EXPERIMENT, URL, client, **SHARED)
    name = shard_name(Store(study.path).waiting()[2].batch)
    server.objects[f"studies/some/gates/{name}"] = b"something else"
    with pytest.raises(StudyError, match=rf"{name}.* not as the log says.*verify s3://.*--repair"):
        _ = study.summary


def test_in_rounds_shards_come_in_before_they_are_counted(server, client, tmp_path) -> None:
    until = {"success_rate": 0.1, "batch_size": 4}
    experiment = EXPERIMENT | {"restarts": 200}
    plain = runner.sweep(experiment, tmp_path / "plain", client, **until)
    study = runner.sweep(experiment, URL, client, shared=True, **until)
    assert len(study.plan.rounds) > 1
    assert hashes(study.path) == hashes(plain.path)


def test_a_study_is_replaced_by_one_whose_workers_write(server, client, clean, tmp_path) -> None:
    """What they write before the old one is removed is not removed with it."""
    runner.sweep(EXPERIMENT | {"seed": 2, "restarts": 4}, URL, client, **SHARED)
    runner.sweep(EXPERIMENT, URL, client, overwrite=True, **SHARED)
    assert_same(server, clean, tmp_path)


def test_the_command_reads_shards_for_its_table_alone(server, scheduler, tmp_path) -> None:
    tell_workers(scheduler)
    (tmp_path / "e.toml").write_text(tomli_w.dumps(EXPERIMENT))
    words = ["sweep", str(tmp_path / "e.toml"), "--out", URL, "--shared", "--batch-size", "2"]
    words += ["--scheduler", scheduler]
    quiet = CliRunner().invoke(app, [*words, "--quiet"])
    assert quiet.exit_code == 0, quiet.output
    assert requests(server) == {"PUT": N_BATCHES, "HEAD": N_BATCHES}
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert requests(server)["GET"] == N_BATCHES


def test_a_damaged_object_is_trained_again_by_workers_that_write(
    server, client, clean, tmp_path
) -> None:
    runner.sweep(EXPERIMENT, URL, client, **SHARED)
    lost = [name.partition("gates/")[2] for name in server.objects if "shards/" in name][:2]
    for name in lost:
        del server.objects[f"studies/some/gates/{name}"]
    server.log.clear()
    with workplace(URL, distrusted=lost) as place:
        assert len(repair_at(place, runner.ClusterOptions(shared=True), client)) == 2
        assert hashes(place.path) == hashes(clean.path)
    assert requests(server)["PUT"] == 2
    assert_same(server, clean, tmp_path)
