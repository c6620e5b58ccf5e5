"""Does a GPU's kernel compute as CPUs do? Every network's is compared with a CPU worker's bits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from runner.cluster.task_results import TaskResult
from runner.dispatch.verification.canaries import MOST_LOST, CanaryTask, Difference
from runner.experiment.batches import Batch

Group = tuple[int, int]
"""A group of a round: what has a kernel of its own."""


@dataclass(frozen=True, eq=False)
class KernelCanaryTask(CanaryTask):
    """A small batch by which a kernel is compared, for a GPU worker or for a CPU worker."""


@dataclass
class _Kernel:
    """What is known of one group's kernel."""

    asked: set[str] = field(default_factory=set)
    """Workers that have not answered yet."""
    reference: tuple[str, str] | None = None
    """The CPU worker that all are compared with, and the SHA-256 of its answer."""
    early: dict[str, str] = field(default_factory=dict)
    """SHA-256 by GPU worker of answers that came before there was a reference."""
    believed: set[str] = field(default_factory=set)
    """GPU workers that gave the reference's bits."""
    lost: int = 0
    """Workers in a row that have left before they answered."""
    spoilt: bool = False
    """Whether nobody is asked any more, because it cannot be trained."""


class KernelCanaries:
    """Compares kinds of device by the hash of a small batch; knows no cluster.

    `Canaries` compare each worker once, with its like: JAX on a GPU gives other bits than a CPU. A
    kernel gives the same ones, and is another program for every network. So a GPU worker's first
    results of each group wait until it has given the bits of a CPU worker that is believed. The CPU
    is right: the GPU worker is the one that is found to differ.
    """

    def __init__(self) -> None:
        self.different: set[str] = set()
        self._kernels: dict[Group, _Kernel] = {}

    def is_believed(self, worker: str, group: Group) -> bool:
        """Return whether a GPU worker's results of a group may be accepted."""
        kernel = self._kernels.get(group)
        return kernel is not None and (kernel.spoilt or worker in kernel.believed)

    def ask(self, worker: str, batch: Batch, cpus: Sequence[str]) -> list[KernelCanaryTask]:
        """Return what shall be sent, so that a GPU worker is believed.

        Parameters
        ----------
        worker : str
            Its address.
        batch : Batch
            The canary.
        cpus : sequence of str
            CPU workers that are believed.
        """
        kernel = self._kernels.setdefault(batch.group_of_round, _Kernel())
        tasks = []
        if worker not in kernel.asked | kernel.early.keys():
            tasks.append(KernelCanaryTask("gpu", batch, worker))
        if kernel.reference is None and cpus and kernel.asked.isdisjoint(cpus):
            tasks.append(KernelCanaryTask("cpu", batch, cpus[0]))
        kernel.asked |= {task.worker for task in tasks}
        return tasks

    def ended(self, task: KernelCanaryTask, result: TaskResult | None) -> list[Difference]:
        """Accept the outcome of a canary; return the workers that differ."""
        kernel = self._kernels[task.batch.group_of_round]
        kernel.asked.discard(task.worker)
        if result is None:
            kernel.lost += 1
            kernel.spoilt |= kernel.lost >= MOST_LOST
            return []
        if result.reason:
            kernel.spoilt = True
            return []
        kernel.lost = 0
        if task.kind == "gpu":
            kernel.early[task.worker] = result.value
        elif kernel.reference is None:
            kernel.reference = (task.worker, result.value)
        return self._compared(kernel)

    def forget(self, present: Collection[str]) -> None:
        """Forget the workers that are gone: another may come under the same address."""
        self.different.intersection_update(present)
        for kernel in self._kernels.values():
            kernel.believed.intersection_update(present)
            kernel.early = {w: sha256 for w, sha256 in kernel.early.items() if w in present}

    def _compared(self, kernel: _Kernel) -> list[Difference]:
        if kernel.reference is None:
            return []
        reference, expected = kernel.reference
        early, kernel.early = kernel.early, {}
        other = {worker: sha256 for worker, sha256 in early.items() if sha256 != expected}
        kernel.believed |= early.keys() - other.keys()
        self.different |= other.keys()
        return [Difference(w, sha256, reference, expected) for w, sha256 in other.items()]
