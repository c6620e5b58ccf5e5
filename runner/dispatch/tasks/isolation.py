"""A worker that is kept free for work that must be alone, so that its death has one cause."""

from __future__ import annotations

import time
from collections.abc import Collection

from runner.cluster.client import connection_errors
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.tasks.monitor import TaskMonitor

_POLL_S = 0.1  # how often workers are asked what they have to do


class IsolatedWorker:
    """At most one worker of a run, which gets nothing new until it is idle.

    Parameters
    ----------
    pool : WorkerPool
        The workers.
    monitor : TaskMonitor
        Knows which of them are being restarted.

    Notes
    -----
    Dask charges a death to every task that the worker had been given. So what may have killed a
    worker is tried where nothing else is: the worker is *chosen* (`address`) and gets no more
    tasks, becomes *idle* once it has done those that it has, and is *released* when nothing needs
    it any more. A worker that is about to be restarted is never chosen: the piece that was sent
    there to be alone once took the blame for the end of the process.
    """

    def __init__(self, pool: WorkerPool, monitor: TaskMonitor) -> None:
        self.address: str | None = None
        self._pool = pool
        self._monitor = monitor
        self._polled_at = float("-inf")

    def release(self) -> None:
        """Let the worker have work like the others again."""
        self.address = None

    def when_idle(self, avoid: Collection[str]) -> str | None:
        """Return the worker once it has nothing to do; the least busy one is chosen first.

        Parameters
        ----------
        avoid : collection of str
            Addresses of workers that had better not be it.

        Returns
        -------
        str or None
            Its address; None while it is busy, while nobody can be asked, and within a tenth of a
            second of the last call.
        """
        now = time.monotonic()
        if now - self._polled_at < _POLL_S:
            return None
        self._polled_at = now
        addresses = [a for kind in self._pool.kinds for a in self._pool.addresses(kind)]
        present = [a for a in addresses if a not in self._monitor.restarting]
        if not present:
            return None
        fit = [a for a in present if a not in avoid] or present
        candidates = [self.address] if self.address in fit else fit
        try:
            busy = self._pool.client.processing(candidates)
        except connection_errors():
            return None
        except KeyError:  # a worker has gone in between
            return None
        self.address = min(candidates, key=lambda address: len(busy.get(address, ())))
        return None if busy.get(self.address) else self.address
