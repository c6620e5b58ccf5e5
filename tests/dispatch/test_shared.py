"""Sweeps whose workers write shards themselves: the same study, whatever happens to whom."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w
from support import faulty
from support.faulty import (
    CannotWrite,
    ComesLate,
    DiesOnce,
    Faulty,
    SeenByOne,
    Truncates,
    run_out_of_memory,
)
from support.workers import hashes, two_processes, workers

import runner
from runner.cluster.task_results import TaskResult
from runner.dispatch.dispatcher import Piece
from runner.dispatch.late_shards import LateShards
from runner.dispatch.progress import Progress
from runner.dispatch.staged_training import (
    NotStaged,
    SharesFolder,
    StagedAnswers,
    StagedBatch,
    unpacked,
)
from runner.dispatch.training_tasks import TrainingTasks
from runner.engines.simd.fingerprint import digest
from runner.errors import ClusterError, StudyError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.staging import StagedShard
from runner.study.store import Store

EXPERIMENT = {
    "name": "shared",
    "restarts": 24,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 20},
}
SHARED = {"batch_size": 2, "shared": True}


@pytest.fixture(scope="module")
def clean(client, tmp_path_factory):
    return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("f") / "s", client, batch_size=2)


def assert_same(study: runner.Study, clean: runner.Study) -> None:
    """Assert that a study is another one, file by file, and that nothing is left of its making."""
    assert hashes(study.path) == hashes(clean.path)
    logs = [sorted(Store(each.path).log.lines()[0]) for each in (study, clean)]
    assert logs[0] == logs[1]
    told = [
        json.loads(s.path.joinpath("telemetry/batches.jsonl").read_text().splitlines()[0])
        for s in (study, clean)
    ]
    assert told[0].keys() == told[1].keys()
    assert not (study.path / "staging").exists()
    assert not list(study.path.rglob("*.tmp"))


def test_the_study_is_the_same_and_so_is_what_is_known_of_it(clean, client, tmp_path) -> None:
    done = []

    def watch(progress: Progress) -> None:
        done.append((progress.done, progress.failed))

    study = runner.sweep(EXPERIMENT, tmp_path / "s", client, report=watch, audit=0.3, **SHARED)
    assert_same(study, clean)
    assert done == sorted(done)
    assert done[-1] == (24, 0)
    assert sum(found["alike"] for found in Store(study.path).audits()) == 4
    programs = (study.path / "telemetry" / "programs.jsonl").read_text().splitlines()
    assert len(programs) == 1
    # and growing goes on with the other mode
    more = EXPERIMENT | {"restarts": 30}
    for path in (study.path, clean.path):
        assert runner.open_study(path).complete
    assert runner.sweep(more, study.path, client, batch_size=2).complete


def test_a_worker_that_dies_when_it_has_written_loses_and_doubles_nothing(
    clean, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.StagedTraining", DiesOnce)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "dies").touch()
    with (
        two_processes() as processes,
    ):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", processes, wait_s=240, **SHARED)
    assert not (tmp_path / "s" / "dies").exists()
    assert not len(study.failures)
    assert_same(study, clean)


def test_a_file_that_is_not_what_its_worker_said_is_trained_again(
    clean, client, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.StagedTraining", Truncates)
    monkeypatch.setattr("runner.dispatch.late_shards.LATE_S", 0.1)  # its end never comes
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "dies").touch()
    study = runner.sweep(EXPERIMENT, tmp_path / "s", client, **SHARED)
    assert not (tmp_path / "s" / "dies").exists()
    assert_same(study, clean)


def test_shards_that_are_seen_late_are_waited_for_and_not_trained_again(
    clean, client, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.StagedTraining", ComesLate)
    kept, keep = [], LateShards.keep
    taken, accepted = [], StagedAnswers.accepted

    def watched(late, task, result) -> bool:
        kept.append(keep(late, task, result))
        if len(kept) == 4:  # at least the last of them has found its file missing
            faulty.begin.set()
        return kept[-1]

    def counted(answers, result, reason, pool) -> bool:
        taken.append(accepted(answers, result, reason, pool))
        return taken[-1]

    monkeypatch.setattr(LateShards, "keep", watched)
    monkeypatch.setattr(StagedAnswers, "accepted", counted)
    faulty.begin.clear()
    try:
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, **SHARED)
    finally:
        faulty.begin.set()
    assert kept[:4] == [True] * 4
    assert taken == [True] * 12  # a batch each: none was trained twice
    assert_same(study, clean)


def test_a_shard_that_never_comes_is_waited_for_until_its_time_is_up(tmp_path, monkeypatch) -> None:
    store = Store(tmp_path / "s")
    with store.writer() as writer, writer.staging() as place:
        shards = [place.stage(f"000/{k}", b"shard") for k in range(2)]
        place.path(shards[1]).unlink()
        late = LateShards(place)
        results = [TaskResult("w", [StagedBatch(shard, {})]) for shard in shards]
        assert [late.keep(None, result) for result in results] == [False, True]
        assert list(late.seen()) == []
        with monkeypatch.context() as patch:
            patch.setattr("time.monotonic", lambda: float("inf"))
            assert list(late.seen()) == [(None, results[1])]
        assert list(late.seen()) == []
        # what is no file, or too large, or no name of a shard, is wrong at once
        place.path(shards[0]).write_bytes(b"shards")
        place.path(shards[1]).mkdir()
        strange = StagedShard("../nowhere", 5, shards[0].sha256)
        others = [TaskResult("w", [StagedBatch(s, {})]) for s in (*shards, strange)]
        assert not any(
            late.keep(None, result) for result in (*others, TaskResult("w", NotStaged("")))
        )
        place.path(shards[1]).rmdir()


def test_a_worker_waits_for_a_token_that_it_sees_late(tmp_path) -> None:
    store = Store(tmp_path / "s")
    with store.writer() as writer, writer.staging() as place:
        folder = Path(place.folder)
        folder.rename(tmp_path / "not-seen")

        async def see_late() -> None:
            waiting = asyncio.create_task(SharesFolder(place).require())
            await asyncio.sleep(0)  # it has looked once, in vain
            assert not waiting.done()
            (tmp_path / "not-seen").rename(folder)
            await waiting

        asyncio.run(see_late())
        folder.joinpath("token").unlink()
        with pytest.raises(ClusterError, match="No such file or directory"):
            asyncio.run(SharesFolder(place, late_s=0.01).require())


def test_a_full_disk_at_a_worker_leaves_nothing_and_others_do_its_work(clean, tmp_path) -> None:
    """The kernel refuses one process files of more than a kibibyte, as a quota would."""
    with two_processes() as processes:
        first = sorted(processes.scheduler_info()["workers"])[0]
        most = (1024, resource.RLIM_INFINITY)
        processes.run(resource.setrlimit, resource.RLIMIT_FSIZE, most, workers=[first])
        study = runner.sweep(EXPERIMENT, tmp_path / "s", processes, **SHARED)
    told = (study.path / "telemetry" / "batches.jsonl").read_text().splitlines()
    assert first not in {json.loads(line)["worker"] for line in told}
    assert not len(study.failures)
    assert_same(study, clean)


def test_a_second_client_is_refused_and_disturbs_nothing(clean, client, tmp_path) -> None:
    second = [sys.executable, "-m", "runner", "sweep", str(tmp_path / "e.toml"), "--shared"]
    (tmp_path / "e.toml").write_text(tomli_w.dumps(EXPERIMENT))
    told = []

    def begin_another(progress: Progress) -> None:
        if not told:
            command = [*second, "--out", str(tmp_path / "s"), "--batch-size", "2"]
            told.append(subprocess.run(command, capture_output=True, text=True, check=False))

    study = runner.sweep(EXPERIMENT, tmp_path / "s", client, report=begin_another, **SHARED)
    assert told[0].returncode == 3
    assert f"is in use by process {os.getpid()} on" in told[0].stderr
    assert_same(study, clean)


def test_restarts_that_fail_leave_the_bytes_that_they_leave_without(
    client, tmp_path, monkeypatch
) -> None:
    faults = dict.fromkeys((4, 8, 9), run_out_of_memory)
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Faulty(faults))
    paths = [tmp_path / name for name in ("alone", "shared")]
    for path, options in zip(paths, ({}, {"shared": True}), strict=True):
        study = runner.sweep(EXPERIMENT, path, client, batch_size=6, **options)
        assert sorted(study.failures["restart"]) == sorted(faults)
    assert hashes(paths[0]) == hashes(paths[1])
    assert not (paths[1] / "staging").exists()


def test_a_worker_that_cannot_write_is_sent_away_and_no_restart_is_to_blame(
    clean, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.StagedTraining", CannotWrite)
    with workers({"CPU": 1}, {"CPU": 1}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=1, shared=True)
        whole = runner.sweep(EXPERIMENT, tmp_path / "whole", client, batch_size=1)
    assert not len(study.failures)
    assert hashes(study.path) == hashes(whole.path)


def test_a_token_that_another_has_written_ends_the_sweep_which_then_goes_on(
    clean, client, tmp_path
) -> None:
    def usurp(progress: Progress) -> None:
        for token in (tmp_path / "s" / "staging").glob("*/token"):
            token.write_text("another's")

    with pytest.raises(StudyError, match=r"holds another token.* What is committed stays") as error:
        runner.sweep(EXPERIMENT, tmp_path / "s", client, report=usurp, **SHARED)
    assert "leave out shared (--shared)" in str(error.value)
    assert not (tmp_path / "s" / "staging").exists()
    study = runner.sweep(EXPERIMENT, tmp_path / "s", client, **SHARED)
    assert not len(study.failures)
    assert_same(study, clean)


def test_a_client_that_has_lost_its_token_ends_the_sweep_and_blames_no_worker(tmp_path) -> None:
    """Each that was started in place of one that was sent away was sent away: there was no end."""
    with Store(tmp_path / "s").writer() as writer, writer.staging() as place:
        shares = SharesFolder(place)
        assert not shares.excuse()
        Path(place.folder, "token").write_text("another's")
        with pytest.raises(StudyError, match=r"holds another token.* leave out shared .*--shared"):
            shares.excuse()


def test_workers_that_see_another_folder_are_refused_before_they_get_work(
    clean, tmp_path, monkeypatch
) -> None:
    old = tmp_path / "old"
    shutil.copytree(clean.path, old)
    monkeypatch.setattr("runner.dispatch.sweep.SharesFolder", SeenByOne)
    with workers({"CPU": 1}, {"CPU": 1}) as (cluster, client):
        address = cluster.workers[1].address
        with pytest.raises(ClusterError, match="not fit for this client's work") as error:
            runner.sweep(EXPERIMENT, tmp_path / "s", client, **SHARED)
        for asked, overwrite in ((EXPERIMENT, True), (EXPERIMENT | {"restarts": 100}, False)):
            with pytest.raises(ClusterError, match="not fit for this client's work"):
                runner.sweep(asked, old, client, overwrite=overwrite, **SHARED)
    assert_same(runner.open_study(old), clean)
    (line,) = [line for line in str(error.value).splitlines() if "token" in line]
    assert line.strip().startswith(f"{address}: {tmp_path}/s/staging/")
    assert "holds another token; expected the token that the client wrote there" in line
    assert (
        "Mount the study's folder there under the same path, or leave out shared (--shared)" in line
    )
    assert not Store(tmp_path / "s").exists


def test_a_batch_takes_at_most_two_kibibytes_of_messages(tmp_path) -> None:
    plan = Plan(load_experiment("experiments/width.toml", changes={"restarts": 64}), batch_size=64)
    *_, batch = plan.batches()
    store = Store(tmp_path / "s")
    with store.writer() as writer, writer.staging() as place:
        tasks = TrainingTasks(plan, place)
        piece = Piece(batch, batch.start, batch.stop)

        def told(known: frozenset[str]) -> tuple[int, dict]:
            call = tasks.pieces([piece], batch, "cpu", known)
            answer = call.function(*call.arguments)
            (part,) = unpacked(answer)
            assert Path(place.path(part.shard)).stat().st_size == part.shard.size > 2**15
            result = TaskResult("tls://192.168.100.100:40000", answer)
            return len(pickle.dumps(call)) + len(pickle.dumps(result)), part.telemetry

        first, telemetry = told(frozenset())
        name = digest(telemetry["programs"])
        n_bytes, telemetry = told(frozenset([name]))
    assert telemetry["programs"] == name
    assert n_bytes <= 2048 < first


def test_every_setting_of_a_gate_takes_half_a_kibibyte_more(tmp_path) -> None:
    """The longest message but for a table, which goes with each of its batches."""
    training = {"optimizer": "adam", "learning_rate": 0.0123456789, "beta1": 0.912345678}
    training |= {"beta2": 0.99912345678, "epsilon": 1.23456789e-7, "epsilon_hat": True}
    training |= {"rate_schedule": "points:100=0.5,1000=0.1,2000=0.05", "stop_solved": True}
    training |= {"stop_loss": 1.23456789e-5, "stop_gradient": 1.23456789e-6, "dtype": "float32"}
    training |= {"plateau": "perturb", "plateau_steps": 12_345, "plateau_fall": 0.0123456789}
    content = {
        "name": "n" * 64,
        "seed": 2**63 - 1,
        "problem": {"gate": "MAJORITY-5", "tolerance": 0.123456789, "held_out_rows": [1, 2, 3]},
        "network": {
            "hidden": [60 + k for k in range(16)],
            "activation": ["leaky-relu", "sigmoid"] * 8,
            "skip": "all",
            "freeze": ["W1", "b1", "W2", "b2"],
        },
        "loss": {"kind": "squared-error", "reduction": "half-mean", "l2": 0.000123456789},
        "init": {
            "scale": 0.123456789,
            "layer_scales": [k / 7 for k in range(1, 18)],
            "bias_range": [-0.123456789, 0.987654321],
        },
        "training": training,
    }
    plan = Plan(load_experiment(content), batch_size=64)
    *_, batch = plan.batches()
    store = Store(tmp_path / "s")
    with store.writer() as writer, writer.staging() as place:
        piece = Piece(batch, batch.start, batch.stop)
        call = TrainingTasks(plan, place).pieces([piece], batch, "cpu", frozenset())
    assert len(pickle.dumps(call)) <= 2048
