"""Whole sweeps in which restarts and workers misbehave, on real clusters."""

from __future__ import annotations

import logging
import re

import dask
import pytest
from support import faulty
from support.faulty import Broken, Faulty, Wrong, hang, run_out_of_memory, segfault
from support.workers import hashes, two_processes, workers

import runner
from runner.cli.runs import audit_text
from runner.dispatch.progress import Progress
from runner.dispatch.tasks import deadlines
from runner.errors import FailuresError, StudyError
from runner.study.store import Store

EXPERIMENT = {
    "name": "faults",
    "restarts": 24,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 20},
}


@pytest.fixture(scope="module")
def clean(client, tmp_path_factory):
    return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("f") / "s", client, batch_size=2)


@pytest.fixture
def told():
    """What the runner's log says; `caplog` is muted by clusters that silence Dask's logs."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    collector = Collector()
    logging.getLogger("runner").addHandler(collector)
    yield messages
    logging.getLogger("runner").removeHandler(collector)


@pytest.fixture
def processes():
    """Two worker processes, of which Dask forgives one death, and which it starts again always."""
    settings = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.deploy.lost-worker-timeout": "1 hour",  # see docs/cluster.md
    }
    with (
        dask.config.set(settings),
        two_processes() as client,
    ):
        yield client


def test_what_kills_its_worker_costs_nothing_but_itself(
    clean, processes, tmp_path, monkeypatch
) -> None:
    faults = {4: segfault, 17: run_out_of_memory}
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Faulty(faults))
    study = runner.sweep(
        EXPERIMENT, tmp_path / "s", processes, batch_size=2, canary=False, wait_s=240
    )
    assert study.complete
    reasons = study.failures.set_index("restart")["reason"].str.split(":").str[0]
    assert reasons.to_dict() == {4: "KilledWorker", 17: "MemoryError"}
    assert study.restarts.equals(clean.restarts.drop([(0, k) for k in faults]))
    same, whole = hashes(study.path), hashes(clean.path)
    assert sum(same[name] != whole[name] for name in whole) == 2


def test_what_hangs_is_given_up_and_its_worker_restarted(
    clean, processes, tmp_path, monkeypatch, told
) -> None:
    monkeypatch.setattr(deadlines, "UNKNOWN_S", 20.0)
    monkeypatch.setattr(deadlines, "FLOOR_S", 5.0)
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Faulty({13: hang}))
    study = runner.sweep(
        EXPERIMENT,
        tmp_path / "s",
        processes,
        batch_size=2,
        canary=False,
        deadline_s=4.0,
        wait_s=240,
    )
    assert study.complete
    ((restart, reason),) = study.failures[["restart", "reason"]].itertuples(index=False)
    assert restart == 13
    assert reason.startswith("TimeoutError: no answer within")
    assert study.restarts.equals(clean.restarts.drop((0, 13)))
    # the batch of two twice, and the one that hangs twice
    assert sum("its process is replaced" in message for message in told) >= 4


def test_a_worker_that_fails_everything_is_sent_away(clean, tmp_path, monkeypatch, told) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Broken(1))
    with workers({"CPU": 1}, {"CPU": 1}) as (cluster, client):
        address = cluster.workers[1].address
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=1)
    assert study.restarts.equals(clean.restarts)
    assert not len(study.failures)
    (message,) = told
    assert message.startswith(f"{address}: sent away: it has failed 3 tasks in a row that others")
    assert "No space left on device" in message


def test_the_only_worker_stays_and_its_failures_are_recorded(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Broken(0))
    with workers({"CPU": 1}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=2)
    assert study.complete
    assert len(study.failures) == EXPERIMENT["restarts"]
    assert set(study.failures["reason"]) == {"OSError: No space left on device"}


def test_a_worker_with_other_bits_is_sent_away(clean, tmp_path, monkeypatch, told) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Wrong(1, later=True))

    def let_the_other_begin(progress: Progress) -> None:
        if progress.done:
            faulty.begin.set()

    faulty.begin.clear()
    with workers({"CPU": 1}, {"CPU": 1}) as (cluster, client):
        wrong = cluster.workers[1].address
        study = runner.sweep(
            EXPERIMENT, tmp_path / "s", client, batch_size=1, report=let_the_other_begin
        )
    assert study.restarts.equals(clean.restarts)
    assert study.weights.equals(clean.weights)
    (message,) = told
    assert message.startswith(f"{wrong}: sent away: it computes other bits than")


@pytest.mark.parametrize("n", [1, 2])
def test_an_audit_trains_a_share_again_elsewhere(clean, tmp_path, n) -> None:
    with workers(*[{"CPU": 1}] * n) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=2, audit=0.5)
        audits = Store(study.path).audits()
        assert "Audited: 6 of 12 batches gave the same bits again" in audit_text(study)
        assert len({found["batch"] for found in audits}) == len(audits) == 6
        assert all(found["alike"] for found in audits)
        assert {found["other_worker"] for found in audits} == {n > 1}
        # a finished study too, and only what has not been audited
        runner.sweep(EXPERIMENT, study.path, client, batch_size=2, audit=1)
        lines = Store(study.path).audit_path.read_text().splitlines()
    assert len(lines) == 12
    assert hashes(study.path) == hashes(clean.path)


def test_an_audit_that_finds_other_bits_is_an_alarm(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Wrong(1))
    with workers({"CPU": 1}, {"CPU": 1}) as (cluster, client):
        addresses = [worker.address for worker in cluster.workers.values()]
        with pytest.raises(
            StudyError, match=r"expected the same\. Nothing was overwritten"
        ) as alarm:
            runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=2, audit=1.0, canary=False)
    (found,) = [found for found in Store(tmp_path / "s").audits() if found["alike"] is False]
    assert {found["audited_by"], *found["trained_by"]} == set(addresses)
    for text in (*addresses, found["batch"], found["sha256"], found["audited_sha256"]):
        assert text in str(alarm.value)
    commits = {commit.batch.name: commit for commit in Store(tmp_path / "s").commits()}
    assert commits[found["batch"]].sha256 == found["sha256"]


def test_too_many_failures_stop_a_sweep_that_goes_on_with_more(
    clean, client, tmp_path, monkeypatch
) -> None:
    faults = dict.fromkeys((1, 8, 9, 20), run_out_of_memory)
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Faulty(faults))
    with pytest.raises(FailuresError, match=r"at most 2 \(--max-failures\)") as stopped:
        runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=2, max_failures=2)
    assert "MemoryError" in str(stopped.value)
    assert stopped.value.exit_code == 5
    before = {commit.batch.name: commit for commit in Store(tmp_path / "s").commits()}
    assert 0 < len(before) < len(hashes(clean.path)) == 12
    with pytest.raises(FailuresError, match="expected at most 0"):
        runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=2, max_failures=0)
    study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=2, max_failures=4)
    after = {commit.batch.name: commit for commit in Store(tmp_path / "s").commits()}
    assert after == after | before
    assert sorted(study.failures["restart"]) == sorted(faults)
    assert study.restarts.equals(clean.restarts.drop([(0, k) for k in faults]))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"audit": 1.5}, "audit (--audit) is 1.5; expected a share from 0 to 1"),
        ({"audit": float("nan")}, "audit (--audit) is nan"),
        ({"deadline_s": 0.0}, "deadline_s (--deadline) is 0.0; expected more than 0 seconds"),
        ({"max_failures": -1}, "max_failures (--max-failures) is -1; expected an integer >= 0"),
    ],
)
def test_options_out_of_range_are_named(option, message, tmp_path) -> None:
    with pytest.raises(runner.ExperimentError, match=re.escape(message)):
        runner.sweep(EXPERIMENT, tmp_path / "s", **option)
