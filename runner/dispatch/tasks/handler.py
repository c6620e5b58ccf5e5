"""What a run of tasks consists of, and what it needs to know of what the tasks do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.dispatcher import Complete, Dispatcher
from runner.dispatch.tasks.auxiliary import AuxiliaryQueue, AuxiliaryTask
from runner.dispatch.tasks.in_flight import Call, SentTask, TasksInFlight
from runner.experiment.batches import Batch

TASKS_PER_WORKER = {"cpu": 3, "gpu": 2}
"""Tasks in flight per worker: one at work, the next already there."""


@dataclass(frozen=True)
class RunState:
    """The one state of a run, which its loop passes to whoever acts on it."""

    pool: WorkerPool
    """The workers."""
    dispatcher: Dispatcher
    """The pieces: what is left, in flight, and complete."""
    in_flight: TasksInFlight
    """Tasks on the cluster."""
    auxiliary: AuxiliaryQueue = field(default_factory=AuxiliaryQueue)
    """Canaries and audits that wait to be sent."""

    @classmethod
    def of(cls, pool: WorkerPool, batches: Sequence[Batch]) -> RunState:
        """Return the state of a run that has batches to do, and has sent nothing yet."""
        return cls(pool, Dispatcher(batches), TasksInFlight(pool.client))

    @property
    def unfinished(self) -> bool:
        """Whether something is on its way, kept back, or waits to be sent."""
        dispatcher = self.dispatcher
        return bool(self.in_flight or self.auxiliary or dispatcher.in_flight or dispatcher.waiting)

    @property
    def needs_workers(self) -> bool:
        """Whether there is anything to send, or sent: else results alone are waited for."""
        return bool(self.in_flight or self.auxiliary or self.dispatcher.waiting)

    def lose(self, task: SentTask) -> None:
        """Have the pieces of a task done again that was never done, or is not to be believed."""
        for piece in task.pieces:
            self.dispatcher.lost(piece)


# ruff: noqa: B027  (what is not abstract below is optional, and does nothing by default)
class TaskHandler(ABC):
    """What the tasks of a run do, and what becomes of their results.

    Notes
    -----
    For implementers: `TaskLoop` calls every method from the one thread that runs it, so nothing
    needs a lock. The rules of the protocol:

    - A task's pieces are the dispatcher's until somebody says how they ended. The loop does so for
      tasks that fail, die, hang or are lost. For one that succeeds the handler does so in
      `succeeded`: at once, or later if it does not trust the result yet; the run does not end
      before.
    - `completed` is called once for every batch, in any order, with everything that is known of
      it. It may keep batches back and write them together in `settle`, which is called before the
      loop waits again, and when the run ends, however it does. What is written is then safe: an
      exception that any method raises ends the run, calls off what is on its way, and leaves what
      was completed.
    - Auxiliary tasks are queued with ``run.auxiliary.add``; each one that is queued ends in
      exactly one call of `auxiliary_ended`.
    """

    @property
    def results_together(self) -> int:
        """How many results may be fetched from the cluster at a time: many if they are small."""
        return 1

    @abstractmethod
    def call(self, task: SentTask) -> Call:
        """Return what a worker runs for a task."""

    @abstractmethod
    def succeeded(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        """Accept what a task of pieces has returned; tell ``run.dispatcher`` of every piece."""

    @abstractmethod
    def completed(self, run: RunState, complete: Complete) -> None:
        """Keep a batch of which every part is done or has failed."""

    @abstractmethod
    def report_progress(self, run: RunState) -> None:
        """Say how far the run is; called after every result and at least once a second."""

    def begin(self, run: RunState) -> None:
        """Queue what there is to do beside the batches; called once, before anything is sent."""

    def prepare(self, run: RunState) -> None:
        """Do what is to be done whenever workers have been counted, before tasks are sent."""

    def settle(self, run: RunState) -> None:
        """Write what was completed, if `completed` has not."""

    def batches_per_task(self, run: RunState, kind: str, first: Batch) -> int:
        """Return how many batches, from ``first`` on, one task for a kind of device may hold."""
        return 1

    def allowed_s(self, task: SentTask, worker: str | None) -> float:
        """Return how many seconds a task may take on a worker; without one, the least on any."""
        return float("inf")

    def task_failed(self, task: SentTask) -> None:
        """Note that a task of pieces has failed or died, before its pieces are tried again."""

    def check(self, run: RunState) -> None:
        """Raise what is to end the run; called after every piece that has failed."""

    def auxiliary_ended(
        self, run: RunState, task: AuxiliaryTask, result: TaskResult | None
    ) -> None:
        """Do what follows from an auxiliary task.

        Parameters
        ----------
        run : RunState
        task : AuxiliaryTask
        result : TaskResult, optional
            What it returned, or why it failed (its exception, a hang, the death of its worker);
            None if it was never done, as its worker has left.
        """
