"""Workers of both kinds, on real Dask clusters; a CPU stands in for a GPU where it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from distributed import Worker
from support.faulty import WrongOnGpus
from support.workers import hashes, join, until, workers

import runner
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.progress import Progress
from runner.engines.devices import PRETEND_VARIABLE, require
from runner.errors import ClusterError, StudyError
from runner.experiment import batch_sizes, plan
from runner.experiment.batches import Batch
from runner.training.worker import Task, train_batch, train_batches

ROOT = Path(__file__).parents[2]
EXPERIMENT = {
    "name": "both",
    "restarts": 200,
    "problem": {"gate": "XOR"},
    "training": {"learning_rate": 2.0, "max_steps": 300, "stop_solved": True, "dtype": "float32"},
    "grid": {"problem.gate": ["AND", "XOR", "OR"]},
}


@pytest.fixture
def pretend(monkeypatch):
    """Let a CPU stand in for a GPU, with few lanes, as it is slow at many."""
    on_cpu = batch_sizes.n_lanes
    monkeypatch.setattr(
        batch_sizes,
        "n_lanes",
        lambda layout, n, device: 256 if device == "gpu" else on_cpu(layout, n, "cpu"),
    )
    monkeypatch.setenv(PRETEND_VARIABLE, "1")
    require.cache_clear()
    yield
    require.cache_clear()


@pytest.fixture(scope="module")
def cpu_only(tmp_path_factory):
    with workers({"CPU": 1}) as (_, client):
        return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("c") / "s", client, batch_size=10)


def test_batches_trained_together_have_the_bytes_of_each_alone() -> None:
    loaded = runner.load_experiment(EXPERIMENT)
    whole = plan.Plan(loaded, batch_size=90)
    batches = list(whole.batches())
    together = Task(
        whole.segments(Batch(0, batches[0].start, batches[-1].stop)), 1990, "pytensor", 3
    )
    trained = train_batches(together, [len(b) for b in batches])
    assert [t.rows for t in trained] == [90] * 6 + [60]
    for batch, part in zip(batches, trained, strict=True):
        alone = train_batch(Task(whole.segments(batch), 1990, "pytensor", 3))
        assert part.shard == alone.shard
        assert part.telemetry["solved"] == alone.telemetry["solved"]
        assert part.telemetry["restart_steps"] == alone.telemetry["restart_steps"]


def test_both_kinds_are_fed_from_one_queue(cpu_only, pretend, tmp_path) -> None:
    seen = []
    with workers({"CPU": 1}, {"GPU": 1}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, report=seen.append)
    assert study.complete
    devices = Counter(commit.device for commit in study.commits)
    assert set(devices) == {"cpu", "gpu"}
    assert seen[-1].workers == 2
    assert seen[-1].gpus == 1
    # lanes do not depend on one another, so the stand-in gives a CPU's bits
    assert hashes(study.path) == hashes(cpu_only.path)


def test_a_gpu_with_other_bits_than_a_cpu_is_sent_away(
    cpu_only, pretend, tmp_path, monkeypatch, caplog
) -> None:
    """The only GPU is compared with no other one, but with a CPU worker; its work is done again."""
    for train in (train_batch, train_batches):
        name = f"runner.dispatch.training_tasks.{train.__name__}"
        monkeypatch.setattr(name, WrongOnGpus(train))
    with workers({"CPU": 1}, {"GPU": 1}) as (cluster, client), caplog.at_level("WARNING", "runner"):
        cpu, gpu = (worker.address for worker in cluster.workers.values())
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10)
    assert {commit.device for commit in study.commits} == {"cpu"}
    assert hashes(study.path) == hashes(cpu_only.path)
    says = f"{gpu}: sent away: it computes other bits than {cpu}: a small batch has SHA-256"
    assert any(record.getMessage().startswith(says) for record in caplog.records)


def test_a_gpu_takes_several_batches_at_once(cpu_only, pretend, tmp_path) -> None:
    with workers({"CPU": 1}, {"GPU": 1}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, device="gpu", batch_size=10)
    assert {commit.device for commit in study.commits} == {"gpu"}
    log = (study.path / "telemetry" / "batches.jsonl").read_text()
    together = [int(line.split('"together": ')[1].split(",")[0]) for line in log.splitlines()]
    assert max(together) > 5
    assert together[-1] == 1  # shares shrink, so that the end is not held up
    assert hashes(study.path) == hashes(cpu_only.path)


class Poisoned:
    """Trains, alone or several batches together, but raises where the very first restart is."""

    def __init__(self, train) -> None:
        self.train = train

    def __call__(self, task: Task, *sizes):
        if task.segments[0].start == 0 and task.segments[0].configuration.index == 0:
            message = "poisoned"
            raise ArithmeticError(message)
        return self.train(task, *sizes)


def test_a_restart_that_fails_leaves_a_gpus_tasks_as_large(pretend, tmp_path, monkeypatch) -> None:
    for train in (train_batch, train_batches):
        monkeypatch.setattr(f"runner.dispatch.training_tasks.{train.__name__}", Poisoned(train))
    with workers({"GPU": 1}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, canary=False)
    assert study.failures[["configuration", "restart"]].values.tolist() == [[0, 0]]
    # A task is a quarter of the batches that nobody has been given, whatever is tried again. The
    # second batch goes first, so that neither it nor the first has a neighbour.
    expected, left = [], study.plan.n_batches - 2
    while left:
        expected.append(max(1, left // 4))
        left -= expected[-1]
    log = (study.path / "telemetry" / "batches.jsonl").read_text()
    together = Counter(json.loads(line).get("together", 1) for line in log.splitlines())
    sizes = {n: count // n for n, count in together.items() if n > 1}
    assert sizes == {n: count for n, count in Counter(expected).items() if n > 1}


def test_a_study_begun_on_one_kind_is_finished_on_the_other(cpu_only, pretend, tmp_path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done >= 200:
            raise KeyboardInterrupt

    with workers({"CPU": 1}, {"GPU": 1}) as (_, client):
        with pytest.raises(KeyboardInterrupt):
            runner.sweep(
                EXPERIMENT, tmp_path / "s", client, device="cpu", batch_size=10, report=stop
            )
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, device="gpu", batch_size=10)
    assert {commit.device for commit in study.commits} == {"cpu", "gpu"}
    assert hashes(study.path) == hashes(cpu_only.path)


def test_a_gpu_that_leaves_loses_nothing(cpu_only, pretend, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("runner.cluster.worker_pool._GONE_S", 1.0)
    left = []
    with workers({"CPU": 1}, {"GPU": 1}) as (cluster, client):

        def leave(progress: Progress) -> None:
            if progress.done >= 50 and not left:
                left.append(cluster.workers[1].address)
                cluster.sync(cluster.workers[1].close)

        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, report=leave)
    assert left
    assert study.complete
    assert hashes(study.path) == hashes(cpu_only.path)


@pytest.mark.parametrize(
    ("resources", "device", "message"),
    [
        ([{"CPU": 1}], "gpu", r"no worker offers GPU. Workers: 1 with CPU. Start .*GPU=1.*drop"),
        ([{"GPU": 1}], "cpu", r"no worker offers CPU. Workers: 1 with GPU."),
        ([{"RAM": 1}, {}], "gpu", r"no worker offers GPU. Workers: 2 with CPU."),
        ([{"CPU": 1, "GPU": 1}], "auto", r"offers both CPU and GPU; expected one"),
    ],
)
def test_what_is_missing_is_named_at_once(resources, device, message, pretend) -> None:
    with workers(*resources) as (_, client), pytest.raises(ClusterError, match=message):
        WorkerPool(client, device, wait_s=60).check()


def test_any_dask_cluster_will_do(cpu_only, tmp_path) -> None:
    with workers({}, {"RAM": 5}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10)
    assert hashes(study.path) == hashes(cpu_only.path)


def test_workers_that_join_get_work_and_all_may_leave_for_a_while(cpu_only, tmp_path) -> None:
    turned = []
    with workers({"CPU": 1}) as (cluster, client):

        def turn_over(progress: Progress) -> None:
            if progress.done >= 100 and not turned:
                turned.append(cluster.workers[0].address)
                cluster.sync(cluster.workers[0].close)
            elif turned and not progress.workers and len(turned) == 1:
                turned.append("seen without workers")
                spec = {"nthreads": 1, "resources": {"CPU": 1}, "dashboard": False}
                cluster.worker_spec["new"] = {"cls": Worker, "options": spec}
                cluster.sync(cluster._correct_state)

        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, report=turn_over)
    assert len(turned) == 2
    assert hashes(study.path) == hashes(cpu_only.path)


def test_a_sweep_without_workers_ends_with_a_message(tmp_path) -> None:
    with workers({"CPU": 1}) as (cluster, client):

        def leave(progress: Progress) -> None:
            if progress.workers:
                cluster.sync(cluster.workers[0].close)

        with pytest.raises(ClusterError, match=r"There has been none for 1 s.*same command"):
            runner.sweep(
                EXPERIMENT, tmp_path / "s", client, batch_size=10, wait_s=1.0, report=leave
            )


def test_a_sweep_whose_scheduler_dies_goes_on_with_another(cpu_only, tmp_path) -> None:
    lost = []
    with workers({"CPU": 1}) as (cluster, client):

        def die(progress: Progress) -> None:
            if progress.done and not lost:
                lost.append(progress.done)
                cluster.close()

        with pytest.raises(ClusterError) as stopped:
            runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, wait_s=0.5, report=die)
    assert stopped.value.exit_code == 4
    told: list[Progress] = []
    with workers({"CPU": 1}) as (_, client):
        study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, report=told.append)
    assert told[0].before >= lost[0]
    assert hashes(study.path) == hashes(cpu_only.path)


def other_checkout(folder: Path) -> dict[str, str]:
    """A copy of the runner with another line in it, and the environment to start it in."""
    shutil.copytree(ROOT / "runner", folder / "runner", ignore=shutil.ignore_patterns("__py*"))
    with (folder / "runner" / "files.py").open("a") as file:
        file.write("# another line\n")
    return os.environ | {"PYTHONPATH": str(folder)}


def without_runner(folder: Path) -> dict[str, str]:
    """An environment in which the runner is not found, though it is installed beside Dask."""
    lines = [
        "import pathlib, sys",
        "has_it = lambda folder: pathlib.Path(folder, 'runner', '__init__.py').exists()",
        "sys.path[:] = [folder for folder in sys.path if not has_it(folder)]",
    ]
    (folder / "sitecustomize.py").write_text("\n".join(lines))
    return os.environ | {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("has_runner", [True, False])
def test_a_worker_of_another_checkout_or_none_is_refused(cpu_only, tmp_path, has_runner) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    environment = other_checkout(folder) if has_runner else without_runner(folder)
    joined: list[subprocess.Popen[bytes]] = []
    with workers({"CPU": 1}) as (cluster, client):
        command = [
            *(sys.executable, "-m", "dask", "worker", cluster.scheduler_address),
            *("--nthreads", "1", "--resources", "CPU=1", "--no-dashboard", "--no-nanny"),
        ]

        def start() -> subprocess.Popen[bytes]:
            quiet = subprocess.DEVNULL
            return subprocess.Popen(command, cwd=folder, env=environment, stderr=quiet)

        def join(progress: Progress) -> None:
            if progress.done >= 30 and not joined:
                joined.append(start())
                until(lambda: len(client.scheduler_info()["workers"]) == 2)

        try:
            # one that joins is sent away, and the sweep goes on without it
            study = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=10, report=join)
            assert hashes(study.path) == hashes(cpu_only.path)
            assert joined
            assert not study.failures.size
            # one that is there at the start is shown
            if joined[0].poll() is None:
                joined[0].kill()
            joined[0].wait()
            joined.append(start())
            until(lambda: len(client.scheduler_info()["workers"]) == 2)
            with pytest.raises(ClusterError, match="not fit for this client's work") as caught:
                runner.sweep(EXPERIMENT, tmp_path / "t", client, batch_size=10)
        finally:
            for process in joined:
                if process.poll() is None:
                    process.kill()
                process.wait()
    assert ("missing" in str(caught.value)) != has_runner
    assert "client" in str(caught.value)


def test_workers_that_join_do_not_wait_for_another_ones_inspection(tmp_path) -> None:
    """One whose file system does not show a folder answers after a minute only."""
    asked, goes_on = tmp_path / "asked", tmp_path / "goes on"
    asked.mkdir()

    async def requirement(dask_worker) -> None:
        (asked / str(dask_worker.name)).touch()
        while dask_worker.name == 1 and not goes_on.exists():
            await asyncio.sleep(0.01)

    with (
        workers({"CPU": 1}) as (cluster, client),
        closing(WorkerPool(client, requirement=requirement)) as pool,
    ):
        pool.check()

        def seen(n_asked: int, n_checked: int) -> bool:
            pool.count_soon()
            pool.refresh()
            return len([*asked.iterdir()]) == n_asked and len(pool.checked("cpu")) == n_checked

        join(cluster, 1)
        until(lambda: seen(2, 1))
        join(cluster, 2)
        until(lambda: seen(3, 2))  # while the other one is still asked
        goes_on.touch()
        until(lambda: seen(3, 3))


def test_what_the_client_excuses_is_held_against_no_worker() -> None:
    excused = [False, True]

    def requirement() -> None:
        raise ClusterError("it sees no token")

    with (
        workers({"CPU": 1}) as (cluster, client),
        closing(WorkerPool(client, requirement=requirement, excuse=excused.pop)) as pool,
    ):
        pool.check()
        assert len(pool.checked("cpu")) == 1
        join(cluster, 1)

        def gone() -> bool:
            pool.count_soon()
            pool.refresh()
            return not excused and len(pool.present) == 1

        until(gone)
        assert len(pool.checked("cpu")) == 1


def test_what_the_client_lacks_itself_can_end_the_run() -> None:
    def requirement() -> None:
        raise ClusterError("it sees no token")

    def excuse() -> bool:
        raise StudyError("nor does the client")

    with (
        workers({"CPU": 1}) as (_, client),
        closing(WorkerPool(client, requirement=requirement, excuse=excuse)) as pool,
        pytest.raises(StudyError, match="nor does the client"),
    ):
        pool.check()


def test_no_worker_is_missed_where_none_is_needed() -> None:
    with (
        workers({"CPU": 1}) as (cluster, client),
        closing(WorkerPool(client, wait_s=0.0)) as pool,
    ):
        pool.check()
        cluster.worker_spec.clear()
        cluster.sync(cluster._correct_state)

        def gone(needed: bool) -> bool:
            pool.count_soon()
            pool.refresh(needed=needed)
            return not pool.present

        until(lambda: gone(needed=False))
        gone(needed=False)
        with pytest.raises(ClusterError, match="There has been none for 0 s"):
            until(lambda: gone(needed=True) and False)
