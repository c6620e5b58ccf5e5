"""Results that wait until the canaries of the workers that sent them have been compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Any

from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.staged_training import NotStaged, StagedBatch
from runner.dispatch.tasks.handler import RunState
from runner.dispatch.tasks.in_flight import SentTask
from runner.dispatch.training_tasks import TrainingTasks
from runner.dispatch.verification.canaries import Canaries, CanaryTask, Difference
from runner.dispatch.verification.kernel_canaries import KernelCanaries, KernelCanaryTask
from runner.experiment.plan import Plan
from runner.training.worker import Trained

Waiting = tuple[SentTask, TaskResult]
"""A result that waits."""


class Unverified:
    """Keeps results of one run until they may be accepted, and asks for the canaries that decide.

    Parameters
    ----------
    tasks : TrainingTasks
        Makes canaries.
    plan : Plan

    Notes
    -----
    A result waits for its worker's canary (`Canaries`) and, if a GPU's kernel has trained it while
    CPU workers are there, for its network's (`KernelCanaries`).
    """

    def __init__(self, tasks: TrainingTasks, plan: Plan) -> None:
        self.canaries = Canaries()
        self.kernels = KernelCanaries()
        self._tasks = tasks
        self._batch = tasks.canary_batch(next(plan.batches()))
        self._results: dict[str, list[Waiting]] = {}  # by worker

    def prepare(self, run: RunState) -> Iterator[Waiting]:
        """Ask for canaries of workers that have joined; yield results that may be accepted now."""
        present = run.pool.present
        self.canaries.forget(present)
        self.kernels.forget(present)
        for worker in [worker for worker in self._results if worker not in present]:
            self.drop(run, worker)
        if run.dispatcher.upcoming is not None:
            self._batch = self._tasks.canary_batch(run.dispatcher.upcoming)
        batch = self._batch
        for kind in run.pool.kinds:
            workers = run.pool.checked(kind)
            if not (run.dispatcher.waiting or self._lacks(kind, workers)):  # nobody new is needed
                known = self.canaries.believed | self._results.keys()
                workers = [worker for worker in workers if worker in known]
            for worker in self.canaries.ask(workers, (kind, batch.group_of_round)):
                run.auxiliary.add(CanaryTask(kind, batch, worker))
        for worker in [w for w in self._results if w in self.canaries.believed]:
            for task, result in self._results.pop(worker):
                if self.must_wait(run, task, result):
                    self.keep(task, result)
                    self._ask_for_kernel(run, task, worker)
                else:
                    yield task, result

    @property
    def different(self) -> Set[str]:
        """Workers whose results are not taken any more."""
        return self.canaries.different | self.kernels.different

    def must_wait(self, run: RunState, task: SentTask, result: TaskResult) -> bool:
        """Return whether a result may not be accepted yet."""
        if isinstance(result.value, NotStaged):
            return False
        if result.worker not in self.canaries.believed:
            return True
        return (
            _is_of_kernel(result.value)
            and _has_cpus(run.pool)
            and not self.kernels.is_believed(result.worker, task.range.group_of_round)
        )

    def keep(self, task: SentTask, result: TaskResult) -> None:
        """Have a result wait."""
        self._results.setdefault(result.worker, []).append((task, result))

    def ended(self, task: CanaryTask, result: TaskResult | None) -> list[Difference]:
        """Accept the outcome of a canary; return the workers that differ."""
        if isinstance(task, KernelCanaryTask):
            return self.kernels.ended(task, result)
        return self.canaries.ended(task, result)

    def drop(self, run: RunState, worker: str) -> None:
        """Have done again what a worker has done that is not to be believed."""
        for task, _ in self._results.pop(worker, []):
            run.lose(task)

    def _lacks(self, kind: str, workers: Sequence[str]) -> bool:
        """Return whether results wait for the first believed CPU worker, to compare kernels."""
        believed = self.canaries.believed
        return (
            kind == "cpu"
            and not self._results.keys().isdisjoint(believed)
            and believed.isdisjoint(workers)
        )

    def _ask_for_kernel(self, run: RunState, task: SentTask, worker: str) -> None:
        cpus = [w for w in run.pool.checked("cpu") if w in self.canaries.believed]
        for canary in self.kernels.ask(worker, self._tasks.canary_batch(task.range), cpus):
            run.auxiliary.add(canary)


def _has_cpus(pool: WorkerPool) -> bool:
    """Return whether CPU workers are there; while nobody is counted, that is not known."""
    return "cpu" in pool.kinds and (pool.counts["cpu"] > 0 or not pool.total)


def _is_of_kernel(value: Trained | Sequence[Trained | StagedBatch]) -> bool:
    """Return whether a GPU has trained by the programs of a CPU."""
    part: Any = value if isinstance(value, Trained) else value[0]
    return part.telemetry["device"] == "gpu" and part.telemetry.get("programs") is not None
