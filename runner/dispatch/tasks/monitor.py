"""Which worker runs a task, and for how long it has been seen running there."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from runner.dispatch.tasks.in_flight import SentTask, TasksInFlight

RESTART_S = 30.0
"""How long a restart of a worker may take."""

_COMPARE_S = 1.0  # how often tasks are compared with their deadlines, at most


@dataclass(frozen=True)
class RunningTask:
    """A task on a worker."""

    key: str
    """Dask's name of the task."""
    worker: str
    """Address."""


@dataclass(frozen=True)
class LateTask:
    """A task that has run for too long."""

    task: SentTask
    """The task."""
    worker: str
    """Address of the worker that runs it."""
    allowed_s: float
    """Seconds that it might have taken there."""


class TaskMonitor:
    """Looks at what the workers run, in the background.

    Dask says when a task is sent and when it is done, but not when it begins: it may wait behind
    others, or for a worker. So a task is timed from the first time it is seen running.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._thread = ThreadPoolExecutor(1, "task-monitor")
        self._look: Future[Mapping[str, Collection[str]]] | None = None
        self._began = 0.0
        self._since: dict[RunningTask, float] = {}
        self._compared_at = float("-inf")
        self._restarts: dict[str, Future[bool]] = {}

    def look(self, keys: Collection[str], now: float) -> None:
        """Have the workers asked which of these tasks they run, unless that is under way."""
        if not keys:
            self._since = {}
        elif self._look is None:
            self._began = now
            self._look = self._thread.submit(self._client.call_stack, keys=list(keys))

    def running_s(self, now: float) -> dict[RunningTask, float]:
        """Return for how long tasks have been seen running, in seconds; empty if nothing is new."""
        if self._look is None or not self._look.done():
            return {}
        look, self._look = self._look, None
        if look.exception() is not None:
            return {}  # a task was done, or a worker gone, in between; they are asked again
        running = [
            RunningTask(key, worker) for worker, keys in look.result().items() for key in keys
        ]
        self._since = {seen: self._since.get(seen, self._began) for seen in running}
        return {seen: now - since for seen, since in self._since.items()}

    def due(self) -> bool:
        """Whether it is time to compare tasks with their deadlines: at most once a second."""
        now = time.monotonic()
        if now - self._compared_at < _COMPARE_S:
            return False
        self._compared_at = now
        return True

    def late(
        self, tasks: TasksInFlight, allowed_s: Callable[[SentTask, str | None], float]
    ) -> list[LateTask]:
        """Return the tasks that have run for too long, and have the others looked at.

        Parameters
        ----------
        tasks : TasksInFlight
        allowed_s : callable
            Returns how many seconds a task may take on a worker; without one, the least on any.
        """
        now = time.monotonic()
        by_key = {task.key: task for task in tasks}
        late = []
        for running, for_s in self.running_s(now).items():
            task = by_key.get(running.key)
            if task is not None and for_s > (most_s := allowed_s(task, running.worker)):
                late.append(LateTask(task, running.worker, most_s))
        # A task may have waited for its turn: only what was sent long ago is worth a look.
        self.look([t.key for t in tasks if now - t.sent_at_s > allowed_s(t, None) / 4], now)
        return late

    def restart(self, worker: str) -> None:
        """Have a worker's process replaced, in the background."""
        self._restarts[worker] = self._thread.submit(self._restarted, worker)

    @property
    def restarting(self) -> Set[str]:
        """Workers whose process is about to end; nothing is to be sent there."""
        return self._restarts.keys()

    def not_restarted(self) -> list[str]:
        """Return the workers whose process could not be replaced, each of them once."""
        done = {w: restart for w, restart in self._restarts.items() if restart.done()}
        for worker in done:
            del self._restarts[worker]
        return [w for w, restart in done.items() if restart.exception() or not restart.result()]

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _restarted(self, worker: str) -> bool:
        outcome = self._client.restart_workers([worker], timeout=RESTART_S, raise_for_error=False)
        return outcome.get(worker) in ("OK", "removed")
