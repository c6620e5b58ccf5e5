"""What workers run that write their shards into an object store, and how the client takes these."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from runner.cluster.task_results import TaskResult
from runner.dispatch.staged_training import short_telemetry
from runner.dispatch.tasks.in_flight import SentTask
from runner.errors import ClusterError
from runner.experiment.batches import Batch
from runner.study.objects.worker_shards import StoredShard, StoredShards, WorkersPlace
from runner.training.worker import Trained

_AT_A_TIME = 32  # requests, of which most of the time is waiting
_LOOK_S = 0.5  # how often it is looked whether a store is there
_TOGETHER = 64  # results that tell of shards; of some a shard itself may be there


@dataclass(frozen=True)
class StoredBatch:
    """A trained batch, whose shard its worker has written into the store, if it could."""

    shard: StoredShard | bytes
    """What is there, or else the shard itself."""
    telemetry: dict[str, Any]
    """As `Trained` has it, but of programs that the client knows their digest alone."""


@dataclass(frozen=True)
class StoredTraining:
    """Trains and writes what it has trained; small, as it is sent with every task."""

    train: Callable[..., Trained | list[Trained]]
    """Trains one batch, or several."""
    place: WorkersPlace
    """Where to."""
    batches: tuple[Batch, ...]
    """Which, in order."""
    known: frozenset[str]
    """Digests of programs that the client has recorded."""

    def __call__(self, *arguments: Any) -> list[StoredBatch]:
        """Train; on a worker."""
        trained = self.train(*arguments)
        parts = trained if isinstance(trained, list) else [trained]
        return [
            StoredBatch(
                self.place.put(batch, part.shard) or part.shard, short_telemetry(part, self.known)
            )
            for batch, part in zip(self.batches, parts, strict=True)
        ]


@dataclass(frozen=True)
class SharesStore:
    """What a worker is asked before it gets work."""

    place: WorkersPlace
    """Where it must be able to write."""
    late_s: float = 10.0
    """For how many seconds it looks again if it is not: a store that is away for a moment costs no
    worker. A look that has begun by then is waited for."""

    async def require(self) -> None:
        """Raise ClusterError if this process does not reach the store and the same lease."""
        until = time.monotonic() + self.late_s
        # in a thread: the worker has more to answer
        while problem := await asyncio.to_thread(self.place.problem):
            if time.monotonic() > until:
                break
            await asyncio.sleep(_LOOK_S)
        if problem:
            message = (
                f"{problem} Give workers what the client's environment says of the store, and "
                "obstore, or leave out shared (--shared)"
            )
            raise ClusterError(message)

    def excuse(self) -> bool:
        """Return whether the client itself is not able to write there, or has lost the lease.

        Workers then send their shards, and what follows is told when the client pushes.
        """
        return bool(self.place.problem())


class StoredResults:
    """Keeps results of one run until the store was asked for the shards that they tell of.

    Parameters
    ----------
    shards : StoredShards

    Notes
    -----
    Nothing stops for them: their pieces stay out at the dispatcher, and the loop goes on.
    """

    def __init__(self, shards: StoredShards) -> None:
        self.place = shards.place
        self.together = _TOGETHER
        """Results that may be taken at once; one where they are large."""
        self._shards = shards
        self._threads = ThreadPoolExecutor(_AT_A_TIME, "check")
        self._waiting: deque[tuple[SentTask, TaskResult, list[_Checking]]] = deque()

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(cancel_futures=True)

    def keep(self, task: SentTask, result: TaskResult) -> bool:
        """Have a result wait if it tells of shards in the store; return whether it does."""
        told = [isinstance(part.shard, StoredShard) for part in _parts(result)]
        self.together = _TOGETHER if all(told) else 1
        if not any(told):
            return False
        checking = [
            self._threads.submit(self._checked, piece.batch, part.shard)
            for piece, part in zip(task.pieces, _parts(result), strict=True)
        ]
        self._waiting.append((task, result, checking))
        return True

    def checked(self) -> Iterator[tuple[SentTask, TaskResult | None]]:
        """Yield what need not wait any longer; None where a shard is not there as was told."""
        waiting, self._waiting = self._waiting, deque()
        for task, result, checking in waiting:
            if not all(each.done() for each in checking):
                self._waiting.append((task, result, checking))
                continue
            shards = [shard for each in checking if (shard := each.result()) is not None]
            if len(shards) < len(checking):
                yield task, None
                continue
            parts = zip(_parts(result), shards, strict=True)
            told = [StoredBatch(shard, part.telemetry) for part, shard in parts]
            yield task, replace(result, value=told)

    def _checked(self, batch: Batch, shard: StoredShard | bytes) -> StoredShard | bytes | None:
        return shard if isinstance(shard, bytes) else self._shards.checked(batch, shard)


_Checking = Future[StoredShard | bytes | None]


def _parts(result: TaskResult) -> list[Trained | StoredBatch]:
    value: Trained | list[Trained | StoredBatch] = result.value
    return [value] if isinstance(value, Trained) else value
