"""Kernels are believed network by network: those that give a CPU worker's bits."""

from __future__ import annotations

from runner.cluster.task_results import TaskResult
from runner.dispatch.verification.canaries import MOST_LOST
from runner.dispatch.verification.kernel_canaries import KernelCanaries
from runner.experiment.batches import Batch

A, B = Batch(0, 0, 16), Batch(1, 0, 16)
GPU, OTHER, CPU = "tcp://gpu:1", "tcp://gpu:2", "tcp://cpu:1"


def asked(canaries: KernelCanaries, worker: str, batch: Batch, cpus=(CPU,)):
    """The tasks by their worker."""
    return {task.worker: task for task in canaries.ask(worker, batch, cpus)}


def test_each_kernel_of_each_gpu_has_to_give_a_cpus_bits() -> None:
    canaries = KernelCanaries()
    tasks = asked(canaries, GPU, A)
    assert {worker: task.kind for worker, task in tasks.items()} == {GPU: "gpu", CPU: "cpu"}
    assert asked(canaries, GPU, A) == {}  # both are on their way
    assert canaries.ended(tasks[GPU], TaskResult(GPU, "1")) == []  # waits for the CPU
    assert not canaries.is_believed(GPU, A.group_of_round)
    assert asked(canaries, GPU, A) == {}
    assert canaries.ended(tasks[CPU], TaskResult(CPU, "1")) == []
    assert canaries.is_believed(GPU, A.group_of_round)
    assert not canaries.is_believed(GPU, B.group_of_round)
    assert not canaries.is_believed(OTHER, A.group_of_round)
    assert asked(canaries, OTHER, A).keys() == {OTHER}  # what the CPU gives is known
    assert asked(canaries, GPU, B).keys() == {GPU, CPU}


def test_the_gpu_is_the_one_that_differs_whoever_answers_first() -> None:
    for first, second in ((GPU, CPU), (CPU, GPU)):
        canaries = KernelCanaries()
        tasks = asked(canaries, GPU, A)
        assert canaries.ended(tasks[first], TaskResult(first, first)) == []
        (found,) = canaries.ended(tasks[second], TaskResult(second, second))
        assert (found.worker, found.reference) == (GPU, CPU)
        assert (found.sha256, found.expected) == (GPU, CPU)
        assert canaries.different == {GPU}
        assert not canaries.is_believed(GPU, A.group_of_round)
        canaries.forget({CPU})  # another worker may come under its address
        assert canaries.different == set()
        assert asked(canaries, GPU, A).keys() == {GPU}


def test_who_leaves_is_replaced_and_what_cannot_be_trained_stops_nobody() -> None:
    canaries = KernelCanaries()
    tasks = asked(canaries, GPU, A, cpus=())  # none is believed yet
    assert tasks.keys() == {GPU}
    assert asked(canaries, GPU, A).keys() == {CPU}
    assert canaries.ended(tasks[GPU], None) == []
    assert asked(canaries, OTHER, A).keys() == {OTHER}
    for canary in (A, B):
        tasks = asked(canaries, GPU, canary)
        if canary is A:
            canaries.ended(tasks[GPU], TaskResult(GPU, reason="OSError"))
        for _ in range(MOST_LOST if canary is B else 0):
            canaries.ended(tasks[CPU], None)
        assert canaries.is_believed(GPU, canary.group_of_round)
