"""How results come from the cluster to the client: each alone, or many by one message."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool

_GATHER_S = 60.0  # how long the transfer of a result may take
_LOOK_AFTER_S = 2.0  # of a transfer, whether there are workers that it may come from


class ResultTransfer:
    """Fetches the results of futures that are done.

    Parameters
    ----------
    pool : WorkerPool
        The workers that have them.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def outcomes(self, futures: Sequence[Any]) -> Sequence[TaskResult | BaseException | None]:
        """Return the result of each, or what Dask raises in its place, or None if it is lost.

        It is lost with the scheduler, which may come back; or with its worker, in which case Dask
        has it done again, if there is another worker that may.
        """
        together = self._many(futures) if len(futures) > 1 else None
        return [self._one(future) for future in futures] if together is None else together

    def _one(self, future: Any) -> TaskResult | BaseException | None:
        if future.status == "error":
            error: BaseException = future.exception()
            return error
        try:
            return self._result(future)
        except (OSError, CancelledError):
            return None
        except Exception as error:
            return error

    def _result(self, future: Any) -> TaskResult:
        """Return a result; Dask would wait for one that has left with the only worker."""
        with suppress(TimeoutError):
            quick: TaskResult = future.result(timeout=_LOOK_AFTER_S)
            return quick
        if future.status != "finished":
            # Gone with its worker. Dask would do it again on one that offers the same, of which
            # there may be no other; nothing else comes back while it is waited for.
            raise CancelledError
        self._pool.count_soon()
        self._pool.refresh()
        result: TaskResult = future.result(timeout=_GATHER_S if self._pool.total else 0.1)
        return result

    def _many(self, futures: Sequence[Any]) -> list[TaskResult] | None:
        """Return all results by one message, or None if one of them cannot be had at once."""
        client = self._pool.client

        async def gather() -> list[TaskResult]:
            results: list[TaskResult] = await client.gather(list(futures), asynchronous=True)
            return results

        try:
            results: list[TaskResult] = client.sync(gather, callback_timeout=_LOOK_AFTER_S)
        except Exception:  # each alone tells which it is, and why
            return None
        return results
