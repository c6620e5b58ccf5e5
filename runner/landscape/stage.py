"""One stage of an analysis: batches of independent work, done on the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from runner.cluster.client import open_client, require_client
from runner.cluster.options import ClusterOptions
from runner.cluster.preflight import without_hessians
from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.dispatcher import Complete, Piece
from runner.dispatch.tasks.handler import RunState, TaskHandler
from runner.dispatch.tasks.in_flight import Call, SentTask
from runner.dispatch.tasks.loop import TaskLoop
from runner.dispatch.time_left.estimate import each_group_first
from runner.errors import ClusterError
from runner.experiment.batches import Batch
from runner.landscape.checkpoints import Checkpoints
from runner.landscape.progress import AnalysisProgress, AnalysisProgressCallback
from runner.landscape.time_left import StageTimeLeft


@dataclass(frozen=True)
class Stage:
    """What there is to do, and what a worker has to call for a piece of it."""

    name: str
    """``endpoints`` or ``pairs``."""
    batches: tuple[Batch, ...]
    """All work, done or not."""
    call: Callable[[Piece, str], Call]
    """Given a piece of a batch and a kind of device, what a worker of that kind runs. It must
    return a Parquet file with the rows of the piece, in order."""


@dataclass(frozen=True)
class Stages:
    """Has stages done, all on workers of one kind."""

    kind: str
    """Kind of device, ``cpu`` or ``gpu``: its bits are in what workers return."""
    checkpoints: Checkpoints
    """What they have returned."""
    pool: WorkerPool
    """The workers."""
    report: AnalysisProgressCallback
    """Called with an `AnalysisProgress` now and then."""

    def __call__(self, stage: Stage) -> None:
        """Have a stage done."""
        run_stage(stage, self.checkpoints, self.pool, self.report)


@contextmanager
def stages(
    client: Any,
    cluster: ClusterOptions,
    engine: str,
    checkpoints_of: Callable[[str], Checkpoints],
    report: AnalysisProgressCallback,
) -> Iterator[Stages]:
    """Yield what has stages done: on a given client, or on what the cluster's options say.

    Parameters
    ----------
    client : distributed.Client, optional
    cluster : ClusterOptions
    engine : str
        What compiles.
    checkpoints_of : callable
        Given the kind of device that is used, the checkpoints that it writes.
    report : callable
        Called with an `AnalysisProgress` now and then.

    Raises
    ------
    ClusterError
        If there is nothing to run on, or workers cannot compute Hessians there.
    """
    require_client(client)
    opened: AbstractContextManager[Any] = (
        nullcontext(client) if client is not None else open_client(cluster)
    )
    with (
        opened as connected,
        closing(WorkerPool(connected, cluster.device, cluster.wait_s)) as pool,
    ):
        pool.check()
        kind = pool.restrict()
        if lacking := without_hessians(connected, pool.addresses(kind), kind, engine):
            message = (
                "on GPUs Hessians are computed by JAX alone; expected workers that have it:\n"
                f"{lacking}\nInstall it there, or give device='cpu' (--device cpu) and workers "
                "with CPU=1."
            )
            raise ClusterError(message)
        checkpoints = checkpoints_of(kind)
        checkpoints.prepare()
        yield Stages(kind, checkpoints, pool, report)


def run_stage(
    stage: Stage, checkpoints: Checkpoints, pool: WorkerPool, report: AnalysisProgressCallback
) -> None:
    """Have every batch done that has no checkpoint yet, and write its checkpoint."""
    missing = each_group_first(checkpoints.missing(stage.name, stage.batches))
    if not missing:
        return
    total = sum(map(len, stage.batches))
    before = total - sum(map(len, missing))
    progress = AnalysisProgress(stage.name, before, total, before)
    handler = _StageHandler(stage, checkpoints, progress, StageTimeLeft(missing), report)
    TaskLoop(RunState.of(pool, missing), handler).finish()


class _StageHandler(TaskHandler):
    """Sends the pieces of a stage, and writes what is returned as checkpoints."""

    def __init__(
        self,
        stage: Stage,
        checkpoints: Checkpoints,
        progress: AnalysisProgress,
        time_left: StageTimeLeft,
        report: AnalysisProgressCallback,
    ) -> None:
        self._stage = stage
        self._checkpoints = checkpoints
        self._progress = progress
        self._time_left = time_left
        self._report = report
        self._started = time.monotonic()

    @property
    def _now_s(self) -> float:
        return time.monotonic() - self._started

    def call(self, task: SentTask) -> Call:
        """Return what inspects a piece."""
        return self._stage.call(task.pieces[0], task.kind)

    def succeeded(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        """Accept the rows of a piece."""
        sent_s = task.sent_at_s - self._started
        self._time_left.answered(task.range, result.worker, self._now_s, sent_s)
        complete = run.dispatcher.succeeded(task.pieces[0], result.value)
        if complete is not None:
            self.completed(run, complete)

    def completed(self, run: RunState, complete: Complete) -> None:
        """Write the rows of a batch; what could not be inspected is missing from them."""
        self._checkpoints.write(self._stage.name, complete.batch, complete.shards)
        self._progress.done += len(complete.batch)
        self._time_left.failed(complete.batch, len(complete.failures))

    def report_progress(self, run: RunState) -> None:
        """Tell the caller how far the stage is."""
        self._progress.workers = run.pool.total
        self._progress.elapsed_s = now_s = self._now_s
        self._progress.time_left_s = self._time_left.seconds(now_s, run.pool.total)
        self._report(self._progress)
