"""What workers run that write their shards into an object store, and how the client gets these."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from runner.cluster.task_results import TaskResult
from runner.dispatch.tasks.in_flight import SentTask
from runner.errors import ClusterError
from runner.experiment.batches import Batch
from runner.study.objects.worker_shards import StoredShard, StoredShards, WorkersPlace
from runner.training.worker import Trained

_AT_A_TIME = 8  # shards that are fetched, of which most of the time is waiting


@dataclass(frozen=True)
class StoredBatch:
    """A trained batch, whose shard its worker has written into the store, if it could."""

    shard: StoredShard | bytes
    """What is there, or else the shard itself."""
    telemetry: dict[str, Any]
    """As `Trained` has it."""


@dataclass(frozen=True)
class StoredTraining:
    """Trains and writes what it has trained; small, as it is sent with every task."""

    train: Callable[..., Trained | list[Trained]]
    """Trains one batch, or several."""
    place: WorkersPlace
    """Where to."""
    batches: tuple[Batch, ...]
    """Which, in order."""

    def __call__(self, *arguments: Any) -> list[StoredBatch]:
        """Train; on a worker."""
        trained = self.train(*arguments)
        parts = trained if isinstance(trained, list) else [trained]
        return [
            StoredBatch(self.place.put(batch, part.shard) or part.shard, part.telemetry)
            for batch, part in zip(self.batches, parts, strict=True)
        ]


@dataclass(frozen=True)
class SharesStore:
    """What a worker is asked before it gets work."""

    place: WorkersPlace
    """Where it must be able to write."""

    async def require(self) -> None:
        """Raise ClusterError if this process does not reach the store, or not the same lease."""
        problem = await asyncio.to_thread(self.place.problem)  # the worker has more to answer
        if problem:
            message = (
                f"{problem} Give workers what the client's environment says of the store, and "
                "obstore, or leave out shared (--shared)"
            )
            raise ClusterError(message)


class FetchedResults:
    """Keeps results of one run until the shards that they tell of have been fetched.

    Parameters
    ----------
    shards : StoredShards

    Notes
    -----
    Nothing stops for them: their pieces stay out at the dispatcher, and the loop goes on.
    """

    def __init__(self, shards: StoredShards) -> None:
        self.place = shards.place
        self._shards = shards
        self._threads = ThreadPoolExecutor(_AT_A_TIME, "fetch")
        self._waiting: deque[tuple[SentTask, TaskResult, list[Future[bytes | None]]]] = deque()

    def close(self) -> None:
        """Fetch nothing more."""
        self._threads.shutdown(cancel_futures=True)

    def keep(self, task: SentTask, result: TaskResult) -> bool:
        """Have a result wait if it tells of shards in the store; return whether it does."""
        if not any(isinstance(part.shard, StoredShard) for part in _parts(result)):
            return False
        fetching = [
            self._threads.submit(self._bytes, piece.batch, part.shard)
            for piece, part in zip(task.pieces, _parts(result), strict=True)
        ]
        self._waiting.append((task, result, fetching))
        return True

    def fetched(self) -> Iterator[tuple[SentTask, TaskResult | None]]:
        """Yield what need not wait any longer; None where a shard is not there as was told."""
        waiting, self._waiting = self._waiting, deque()
        for task, result, fetching in waiting:
            if not all(each.done() for each in fetching):
                self._waiting.append((task, result, fetching))
                continue
            contents = [data for each in fetching if (data := each.result()) is not None]
            if len(contents) < len(fetching):
                yield task, None
                continue
            parts = zip(_parts(result), contents, strict=True)
            yield task, replace(result, value=[replace(p, shard=data) for p, data in parts])

    def _bytes(self, batch: Batch, shard: StoredShard | bytes) -> bytes | None:
        return shard if isinstance(shard, bytes) else self._shards.fetch(batch, shard)


def _parts(result: TaskResult) -> list[Trained | StoredBatch]:
    value: Trained | list[Trained | StoredBatch] = result.value
    return [value] if isinstance(value, Trained) else value
