"""Tasks on their way: what was sent, to whom, and what has come back."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from runner.cluster.client import connection_errors
from runner.cluster.task_results import run_task
from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.auxiliary import AuxiliaryTask
from runner.experiment.batches import Batch


@dataclass(frozen=True, eq=False)
class SentTask:
    """A task on its way."""

    kind: str
    """The kind of device that it is for."""
    pieces: tuple[Piece, ...]
    """What it does: one piece, or several whole batches that together fill a GPU."""
    key: str
    """Dask's name of it."""
    workers: tuple[str, ...] = ()
    """The only workers that may do it; if empty, all of its kind."""
    auxiliary: AuxiliaryTask | None = None
    """The auxiliary task that it is, if it is not the dispatcher's."""
    sent_at_s: float = field(default_factory=time.monotonic)
    """When it was sent, on this process's clock."""

    @property
    def alone(self) -> bool:
        """Whether it has a worker for itself."""
        return self.auxiliary is None and self.pieces[0].alone

    @property
    def range(self) -> Batch:
        """Everything that it does, as one batch."""
        first, last = self.pieces[0], self.pieces[-1]
        return first.batch.part(first.start, last.stop)


@dataclass(frozen=True)
class Call:
    """What a worker is to run."""

    function: Callable[..., Any]
    """A function of a module, which is sent by name, or an object that can be pickled."""
    arguments: tuple[Any, ...]
    """What it is called with; pickled by Dask."""


class TasksInFlight:
    """The tasks of one run that are on the cluster.

    Parameters
    ----------
    client : distributed.Client

    Notes
    -----
    Dask's thread puts a future that is done into a queue at any moment, also after its task was
    called off. So a task is in flight until it is either called off or handed out by `arrived`,
    whichever comes first; the other one finds it gone. Otherwise a piece would end twice.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._futures: dict[SentTask, Any] = {}
        self._done: queue.SimpleQueue[tuple[SentTask, Any]] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[SentTask]:
        """Iterate over a copy, so that tasks may be called off meanwhile."""
        return iter(list(self._futures))

    def __len__(self) -> int:
        """Count the tasks."""
        return len(self._futures)

    def submit(self, task: SentTask, call: Call, resources: Mapping[str, float] | None) -> bool:
        """Send a task; return False if the connection is gone, and nothing was sent."""
        try:
            future = self._client.submit(
                run_task,
                call.function,
                *call.arguments,
                key=task.key,
                resources=resources,
                workers=list(task.workers) or None,
                priority=int(task.auxiliary is not None and task.auxiliary.urgent),
                pure=False,
            )
        except connection_errors():
            return False
        self._futures[task] = future
        future.add_done_callback(lambda done: self._done.put((task, done)))
        return True

    def call_off(self, task: SentTask) -> None:
        """Take a task back from the cluster."""
        with suppress(*connection_errors()):
            self._futures.pop(task).cancel()

    def arrived(self, timeout_s: float, most: int = 1) -> Iterator[list[tuple[SentTask, Any]]]:
        """Wait for a future that is done, then hand out all that are, and release them.

        Parameters
        ----------
        timeout_s : float, seconds
        most : int
            How many are handed out together.
        """
        waits = True
        while True:
            arrivals: list[tuple[SentTask, Any]] = []
            with suppress(queue.Empty):
                while len(arrivals) < most:
                    task, future = self._done.get(waits, timeout_s)
                    waits = False
                    if self._futures.pop(task, None) is not None:
                        arrivals.append((task, future))
            if not arrivals:
                return
            yield arrivals
            for _, future in arrivals:
                future.release()
