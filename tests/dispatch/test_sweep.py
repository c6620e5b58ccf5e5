"""Whole sweeps on real Dask clusters: the same bytes however they are run."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from distributed import Client, LocalCluster
from support.workers import hashes, two_processes

import runner
from runner.cluster.client import open_client
from runner.cluster.options import ClusterOptions
from runner.dispatch.progress import Progress
from runner.errors import ClusterError, StudyError
from runner.study.store import Store
from runner.training.worker import Task, train_batch

EXPERIMENT = {
    "name": "small",
    "seed": 5,
    "restarts": 60,
    "problem": {"gate": "XOR"},
    "training": {"learning_rate": 2.0, "max_steps": 400, "stop_solved": True, "dtype": "float32"},
    "grid": {"problem.gate": ["AND", "XOR"], "network.hidden": [[], [2]]},
}


@pytest.fixture(scope="module")
def study(client, tmp_path_factory):
    return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("a") / "s", client, batch_size=16)


def test_a_sweep_trains_every_restart(study) -> None:
    assert study.complete
    assert len(study.restarts) == 240
    assert not len(study.failures)
    assert len(hashes(study.path)) == study.plan.n_batches


def test_separate_processes_give_the_same_bytes(study, tmp_path) -> None:
    other = runner.sweep(EXPERIMENT, tmp_path / "s", workers=1, batch_size=16)
    assert hashes(other.path) == hashes(study.path)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_batch_size_changes_no_restart(study, client, tmp_path, batch_size) -> None:
    other = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=batch_size)
    assert other.restarts.equals(study.restarts)
    assert other.weights.equals(study.weights)
    assert other.curves.equals(study.curves)


def test_an_interrupted_sweep_goes_on_to_the_same_bytes(study, client, tmp_path) -> None:
    stops = 0

    def interrupt(progress: Progress) -> None:
        if progress.done - progress.before >= 32:
            raise KeyboardInterrupt

    for _ in range(20):
        try:
            other = runner.sweep(
                EXPERIMENT, tmp_path / "s", client, batch_size=16, report=interrupt
            )
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops >= 2
    assert hashes(other.path) == hashes(study.path)
    names = [c.batch for c in Store(other.path).commits()]
    lines = Store(other.path).log.path.read_text().splitlines()
    assert len(lines) == len(set(names)) == other.plan.n_batches


def test_a_finished_study_is_left_as_it_is(study, client) -> None:
    before = study._store.log.path.stat().st_mtime_ns
    runner.sweep(EXPERIMENT, study.path, client, batch_size=16)
    assert study._store.log.path.stat().st_mtime_ns == before


def test_another_experiment_is_refused_unless_it_may_overwrite(study, client, tmp_path) -> None:
    small = EXPERIMENT | {"grid": {}, "restarts": 5}
    runner.sweep(small, tmp_path / "s", client)
    changed = small | {"seed": 6}
    with pytest.raises(StudyError, match="seed was 5, now 6") as caught:
        runner.sweep(changed, tmp_path / "s", client)
    assert "--out" in str(caught.value)
    assert "--overwrite" in str(caught.value)
    again = runner.sweep(changed, tmp_path / "s", client, overwrite=True)
    assert again.experiment.seed == 6
    assert len(again.restarts) == 5


class Poison:
    """Stands in for train_batch on the worker and fails where a chosen restart is."""

    def __init__(self, configuration: int, restart: int) -> None:
        self.configuration = configuration
        self.restart = restart

    def __call__(self, task: Task):
        for s in task.segments:
            held = s.start <= self.restart < s.stop
            if s.configuration.index == self.configuration and held:
                message = "poisoned"
                raise ArithmeticError(message)
        return train_batch(task)


def test_a_restart_that_raises_costs_nothing_but_itself(
    study, client, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.dispatch.training_tasks.train_batch", Poison(3, 37))
    other = runner.sweep(EXPERIMENT, tmp_path / "s", client, batch_size=16)
    (failure,) = other.failures.to_dict("records")
    assert (failure["configuration"], failure["restart"]) == (3, 37)
    assert failure["reason"] == "ArithmeticError: poisoned"
    assert "poisoned" in failure["traceback"]
    assert other.complete
    assert other.restarts.equals(study.restarts.drop((3, 37)))
    assert other.summary["n"].tolist() == [60, 60, 60, 59]
    same, clean = hashes(other.path), hashes(study.path)
    assert sum(same[name] != clean[name] for name in clean) == 1


def test_a_killed_worker_loses_and_doubles_nothing(study, tmp_path) -> None:
    killed = threading.Event()
    with (
        two_processes() as processes,
    ):
        pids = list(processes.run(os.getpid).values())

        def kill_one(progress: Progress) -> None:
            if progress.done >= 32 and not killed.is_set():
                os.kill(pids[0], 9)
                killed.set()

        other = runner.sweep(EXPERIMENT, tmp_path / "s", processes, batch_size=16, report=kill_one)
    assert killed.is_set()
    assert hashes(other.path) == hashes(study.path)


def test_the_starts_are_where_training_began(study) -> None:
    starts, restarts = study.starts, study.restarts
    assert starts.index.equals(restarts.index)
    first = study.curves.query("step == 0")
    row = first[first["configuration"] == 3].iloc[0]
    theta = starts.loc[(3, row["restart"])].to_numpy()
    W, b, v, c = theta[:4].reshape(2, 2), theta[4:6], theta[6:8], theta[8]
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    z = 1 / (1 + np.exp(-(X @ W.T + b))) @ v + c
    loss = np.mean(np.logaddexp(0, z) - np.array([0, 1, 1, 0]) * z)
    assert row["loss"] == pytest.approx(loss, rel=1e-5)


def test_a_cluster_without_workers_is_named(tmp_path) -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        pytest.raises(
            ClusterError, match=r"no worker within 0.5 s. Start one .*`python -m dask worker tcp://"
        ),
        open_client(ClusterOptions(cluster.scheduler_address, wait_s=0.5)),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with (
        pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:1: no scheduler answers"),
        open_client(ClusterOptions("tcp://127.0.0.1:1", wait_s=0.5)),
    ):
        pass


NOWHERE = {"scheduler": "tcp://127.0.0.1:1", "wait_s": 0.5}


def test_a_scheduler_that_is_not_there_changes_no_folder(study, client, tmp_path) -> None:
    folder = tmp_path / "s"
    with pytest.raises(ClusterError, match="no scheduler answers"):
        runner.sweep(EXPERIMENT, folder, **NOWHERE)
    assert not Store(folder).exists
    other = {**EXPERIMENT, "name": "other", "grid": {}, "restarts": 4}
    begun = runner.sweep(other, folder, client)  # nothing is in its way
    before = hashes(folder)
    for asked, options in (
        (EXPERIMENT, {"overwrite": True}),
        ({**other, "restarts": 8}, {}),
    ):
        with pytest.raises(ClusterError, match="no scheduler answers"):
            runner.sweep(asked, folder, **NOWHERE, **options)
        assert hashes(folder) == before
        assert runner.open_study(folder).plan.canonical() == begun.plan.canonical()


def test_a_cluster_that_is_unfit_leaves_no_study_and_an_old_one_as_it_was(
    study, client, tmp_path
) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    other = {**EXPERIMENT, "name": "other", "grid": {}, "restarts": 4}
    begun = runner.sweep(other, old, client)
    before = hashes(old)
    more = {**other, "restarts": 8}
    asked = [
        (EXPERIMENT, new, {}),
        (EXPERIMENT, old, {"overwrite": True}),
        (EXPERIMENT, old, {"overwrite": True, "shared": True}),
        (more, old, {}),
        (more, old, {"shared": True}),
    ]
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as empty,
    ):
        for experiment, folder, options in asked:
            with pytest.raises(ClusterError, match=r"no worker within 0\.5 s"):
                runner.sweep(experiment, folder, empty, wait_s=0.5, **options)
    assert not Store(new).exists
    assert hashes(old) == before
    assert Store(old).read_plan()[0].canonical() == begun.plan.canonical()


def test_a_machine_without_a_gpu_leaves_an_old_study_as_it_was(tmp_path) -> None:
    """Its own workers are looked at before a study grows, too."""
    asked = {**EXPERIMENT, "grid": {}, "restarts": 4}
    begun = runner.sweep(asked, tmp_path / "s", workers=1, engine="pytensor-jax", device="cpu")
    before = {path: path.read_bytes() for path in begun.path.rglob("*") if path.is_file()}
    for more, overwrite in (({**asked, "restarts": 8}, False), (EXPERIMENT, True)):
        with pytest.raises(ClusterError, match="GPU"):
            runner.sweep(
                more,
                begun.path,
                workers=1,
                engine="pytensor-jax",
                device="gpu",
                overwrite=overwrite,
            )
        after = {path: path.read_bytes() for path in begun.path.rglob("*") if path.is_file()}
        assert after == before
