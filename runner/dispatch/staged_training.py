"""What workers run that write their shards themselves, and what the client makes of their answers.

A worker that cannot write is no worker that cannot train: its batch is not to blame, so it is done
again like one that was lost, and no restart is recorded as failed because a disk is full. If the
others can write, the worker is sent away; if none can, the sweep ends as it does where the client
cannot write.
"""

from __future__ import annotations

import asyncio
import pickle
import time
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.in_flight import Call
from runner.engines.simd.fingerprint import digest
from runner.errors import ClusterError, StudyError
from runner.errors.messages import printable
from runner.experiment.settings import Settings
from runner.study.staging import LATE_S, StagedShard, Staging
from runner.training.worker import Trained

_LOOK_S = 0.2  # how often it is looked whether something is there
_MOST_PACKED = 2**16  # bytes; what is told of many batches is no larger
_MOST = 3  # answers in a row that a worker may give without a shard


@dataclass(frozen=True)
class StagedBatch:
    """A trained batch, whose shard its worker has written; some hundred bytes in all."""

    shard: StagedShard
    """Its file."""
    telemetry: dict[str, Any]
    """As `Trained` has it, but of programs that the client knows their digest alone."""


@dataclass(frozen=True)
class NotStaged:
    """The answer of a worker that could not write."""

    reason: str
    """Why."""


@dataclass(frozen=True)
class StagedTraining:
    """Trains and stages what it has trained; small, as it is sent with every task."""

    train: Callable[..., Trained | list[Trained]]
    """Trains one batch, or several."""
    staging: Staging
    """Where to."""
    names: tuple[str, ...]
    """The batches' names, in order."""
    known: frozenset[str]
    """Digests of programs that the client has recorded."""

    def __call__(self, *arguments: Any) -> list[StagedBatch] | NotStaged:
        """Train; on a worker."""
        trained = self.train(*arguments)
        parts = trained if isinstance(trained, list) else [trained]
        # not before: another folder may have been mounted meanwhile
        problem = self.staging.problem()
        if problem:
            return NotStaged(problem)
        try:
            return [self._staged(*each) for each in zip(self.names, parts, strict=True)]
        except OSError as error:
            return NotStaged(f"cannot write: {error.strerror or type(error).__name__}")

    def _staged(self, name: str, trained: Trained) -> StagedBatch:
        shard = self.staging.stage(name, trained.shard)
        return StagedBatch(shard, short_telemetry(trained, self.known))


def short_telemetry(trained: Trained, known: Collection[str]) -> dict[str, Any]:
    """Return what is told of a training; of programs that are known, their digest alone."""
    telemetry = dict(trained.telemetry)
    programs = telemetry.get("programs")
    if programs is not None and (name_of_all := digest(programs)) in known:
        telemetry["programs"] = name_of_all
    return telemetry


@dataclass(frozen=True)
class SharesFolder:
    """What a worker is asked before it gets work."""

    staging: Staging
    """What it must see."""
    late_s: float = LATE_S
    """How long it may take, in seconds, until it does."""

    async def require(self) -> None:
        """Raise ClusterError if this process does not see the client's folder, also not later."""
        until = time.monotonic() + self.late_s
        while self.staging.is_late() and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)  # the worker has more to answer
        problem = self.staging.problem()
        if problem:
            message = (
                f"{problem}. Mount the study's folder there under the same path, or leave out "
                "shared (--shared)"
            )
            raise ClusterError(message)

    def excuse(self) -> bool:
        """Raise StudyError if the client itself does not see its token any more; else False.

        Every worker that joins would be sent away, and none of those that are there can write.
        """
        problem = self.staging.problem()
        if problem:
            message = (
                f"{problem}. What is committed stays; leave out shared (--shared), or run the same "
                "command again to continue."
            )
            raise StudyError(message)
        return False


def packed_call(call: Call) -> Call:
    """Return a call in few bytes, whose answer is `packed`: Dask compresses only what is large.

    An answer that is large, as shards are in it after all, is not packed: it is compressed already.
    """
    return Call(_run, (packed(call),))


def _run(content: bytes) -> Any:
    call = unpacked(content)
    answer = call.function(*call.arguments)
    written = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    return answer if len(written) > _MOST_PACKED else _compressed(written)


def packed(content: object) -> bytes:
    """Return an object in few bytes."""
    return _compressed(pickle.dumps(content, pickle.HIGHEST_PROTOCOL))


def _compressed(written: bytes) -> bytes:
    compressor = zlib.compressobj(9, zdict=_dictionary())
    return compressor.compress(written) + compressor.flush()


def unpacked(content: bytes) -> Any:
    """Return what was `packed`; only of messages, which Dask itself unpickles."""
    decompressor = zlib.decompressobj(zdict=_dictionary())
    return pickle.loads(decompressor.decompress(content) + decompressor.flush())  # noqa: S301


@cache
def _dictionary() -> bytes:
    """The names of an experiment's fields as `pickle` writes them, which no message has to hold.

    Both sides have the same: workers of another Python or another source get no work.
    """
    sections = (field.annotation for field in Settings.model_fields.values())
    names = {name for section in sections for name in getattr(section, "model_fields", ())}
    return pickle.dumps(sorted(names), pickle.HIGHEST_PROTOCOL)


class StagedAnswers:
    """Decides whether workers' answers can be taken, and what follows where they cannot.

    Parameters
    ----------
    staging : Staging
    where : str
        The study, for messages.
    """

    def __init__(self, staging: Staging, where: str) -> None:
        self.staging = staging
        self._where = where
        self._bad: dict[str, int] = {}  # answers without a shard, by worker; a good one ends them
        self._good: set[str] = set()  # workers that have staged since somebody could not

    def accepted(self, result: TaskResult, reason: str, pool: WorkerPool) -> bool:
        """Return whether a result can be committed; if not, its worker may be sent away.

        Parameters
        ----------
        result : TaskResult
        reason : str
            Its `problem`.
        pool : WorkerPool

        Raises
        ------
        StudyError
            If no worker that is there can write.
        """
        worker = result.worker
        if not reason:
            self._bad.pop(worker, None)
            if self._bad:
                self._good.add(worker)
            return True
        if not self._bad:
            self._good.clear()
        self._good.discard(worker)
        self._bad[worker] = self._bad.get(worker, 0) + 1
        if self._bad[worker] >= _MOST:
            others = {a for kind in pool.kinds for a in pool.addresses(kind)} - self._bad.keys()
            if self._good & others:
                why = f"it has not written {_MOST} shards in a row (the last: {reason})"
                pool.dismiss(worker, why)
                del self._bad[worker]
            elif not others:
                message = (
                    f"{self._where}: worker {worker} {reason}. What is committed stays; make room, "
                    "or leave out shared (--shared), then run the same command again to continue."
                )
                raise StudyError(message)
        return False

    def read(self, shard: StagedShard) -> bytes:
        """Return a staged shard's bytes, of which no other file is made as it is."""
        try:
            return self.staging.read(shard)
        except (OSError, ValueError) as error:
            message = (
                f"{self._where}: a shard that a worker has written is lost ({error}). What is "
                "committed stays; run the same command again to continue."
            )
            raise StudyError(message) from None

    def problem(self, result: TaskResult, pieces: Collection[Piece]) -> str:
        """Return why a result cannot be committed; empty if it can."""
        if isinstance(result.value, NotStaged):
            return printable(result.value.reason)
        for piece, part in zip(pieces, result.value, strict=True):
            problem = self.staging.disagreement(part.shard, piece.batch)
            if problem:
                return problem
        return ""
