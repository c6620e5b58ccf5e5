"""Tasks on their way: what was sent, to whom, and what has come back."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from runner.cluster.client import connection_errors
from runner.cluster.task_results import run_task
from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.auxiliary import AuxiliaryTask
from runner.experiment.batches import Batch

_MOST_TOGETHER = 2**20  # bytes in one message; Dask warns of ten times as many


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
    def urgent(self) -> bool:
        """Whether it goes ahead of what its worker has been sent."""
        return self.auxiliary is not None and self.auxiliary.urgent

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

    @property
    def n_bytes(self) -> int | None:
        """Bytes of its arguments; None if they are not packed, so that it is not known."""
        packed = [each for each in self.arguments if isinstance(each, bytes)]
        return sum(map(len, packed)) if len(packed) == len(self.arguments) else None


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

    def submit(
        self, sent: Sequence[tuple[SentTask, Call]], resources: Mapping[str, float] | None
    ) -> list[SentTask]:
        """Send tasks with few messages; return those that were not sent.

        Each message costs the client and the scheduler more than what is in it.
        """
        lost: list[SentTask] = []
        for group in _messages(sent):
            tasks = [task for task, _ in group]
            first = tasks[0]
            try:
                futures = self._client.map(
                    run_task,
                    [call.function for _, call in group],
                    *(list(each) for each in zip(*(c.arguments for _, c in group), strict=True)),
                    key=[task.key for task in tasks],
                    resources=resources,
                    workers=list(first.workers) or None,
                    priority=int(first.urgent),
                    pure=False,
                )
            except connection_errors():  # and nothing of it was sent
                lost += tasks
                continue
            arriving = dict(zip(tasks, futures, strict=True))
            self._futures |= arriving
            self._client.loop.add_callback(self._expect, arriving)
        return lost

    def _expect(self, arriving: Mapping[SentTask, Any]) -> None:
        """Have futures come into the queue when they are done; in Dask's thread, woken once."""
        for task, future in arriving.items():
            future.add_done_callback(partial(self._arrive, task))

    def _arrive(self, task: SentTask, future: Any) -> None:
        self._done.put((task, future))

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
            self._client.loop.add_callback(_release, [future for _, future in arrivals])


def _messages(sent: Iterable[tuple[SentTask, Call]]) -> Iterator[list[tuple[SentTask, Call]]]:
    """Group what may go by one message: packed calls for the same workers, not too many bytes."""
    groups: dict[Hashable, list[tuple[SentTask, Call]]] = {}
    sizes: Counter[Hashable] = Counter()
    for task, call in sent:
        if call.n_bytes is None:
            yield [(task, call)]
            continue
        of = task.workers, task.urgent, len(call.arguments)
        sizes[of] += call.n_bytes
        groups.setdefault(of, []).append((task, call))
        if sizes[of] >= _MOST_TOGETHER:
            yield groups.pop(of)
            del sizes[of]
    yield from groups.values()


def _release(futures: Sequence[Any]) -> None:
    for future in futures:
        future.release()
