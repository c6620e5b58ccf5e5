"""Results of kernels wait for a CPU worker's bits, of a late one too."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import runner
from runner.cluster.task_results import TaskResult
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.tasks.handler import RunState
from runner.dispatch.tasks.in_flight import SentTask
from runner.dispatch.training_tasks import TrainingTasks
from runner.dispatch.verification.unverified_results import Unverified
from runner.experiment.plan import Plan
from runner.training.worker import Trained

EXPERIMENT = {"name": "one", "restarts": 20, "problem": {"gate": "XOR"}}
GPU, CPU = "tcp://gpu:1", "tcp://cpu:1"
KERNEL = Trained(b"", 20, {"device": "gpu", "programs": "0123456789abcdef"})


class Cluster:
    """Workers that are there, without a cluster: what is asked of a pool about them."""

    kinds = ("gpu", "cpu")

    def __init__(self) -> None:
        self.present = {GPU}
        self.connected = True

    def checked(self, kind: str) -> list[str]:
        there = (address for address in sorted(self.present) if kind in address)
        return list(there) if self.connected else []

    @property
    def counts(self) -> dict[str, int]:
        return {kind: len(self.checked(kind)) for kind in self.kinds}

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@pytest.fixture
def made():
    """A run whose only batch a GPU worker has, and what waits to be believed."""
    plan = Plan(runner.load_experiment(EXPERIMENT))
    batches = list(plan.batches())
    pool = Cluster()
    run = RunState(pool, Dispatcher(batches), in_flight=SimpleNamespace())
    unverified = Unverified(TrainingTasks(plan), plan)
    task = SentTask("gpu", tuple(run.dispatcher.bundle(lambda _: 1)), "train")
    return run, pool, unverified, task, TaskResult(GPU, KERNEL)


def step(run: RunState, unverified: Unverified) -> list:
    """What is accepted, when every worker has answered what it is asked."""
    accepted = list(unverified.prepare(run))
    for kind in run.pool.kinds:
        for canary in run.auxiliary.take_urgent(kind):
            assert unverified.ended(canary, TaskResult(canary.worker, "1")) == []
    return accepted


def test_a_cpu_worker_that_comes_when_all_is_handed_out_is_asked(made) -> None:
    run, pool, unverified, task, result = made
    pool.present |= {CPU}
    assert not run.dispatcher.waiting
    assert unverified.must_wait(run, task, result)
    unverified.keep(task, result)
    accepted = [step(run, unverified) for _ in range(5)]
    assert [(task, result)] in accepted
    assert unverified.canaries.believed == {GPU, CPU}


def test_what_waits_waits_on_while_the_scheduler_is_away(made) -> None:
    run, pool, unverified, task, result = made
    pool.present |= {CPU}
    unverified.keep(task, result)
    step(run, unverified)  # now the GPU worker is believed, its kernel is not
    pool.connected = False
    assert step(run, unverified) == []
    pool.connected = True
    assert [(task, result)] in [step(run, unverified) for _ in range(4)]


def test_without_cpu_workers_nothing_waits_for_them(made) -> None:
    run, pool, unverified, task, result = made
    unverified.keep(task, result)
    assert [(task, result)] in [step(run, unverified) for _ in range(2)]
    pool.kinds, pool.connected = ("gpu",), False
    assert not unverified.must_wait(run, task, result)
