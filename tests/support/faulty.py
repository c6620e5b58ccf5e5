"""Faults that stand in for `train_batch` on a worker; workers import this module."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distributed import Worker, get_worker

from runner.dispatch.staged_training import NotStaged, SharesFolder, StagedBatch, StagedTraining
from runner.dispatch.stored_training import StoredBatch, StoredTraining
from runner.training.worker import Task, Trained, train_batch

begin = threading.Event()
"""For workers in one process with their test."""


def segfault() -> None:
    ctypes.string_at(0)


def run_out_of_memory() -> None:
    bytearray(2**62)


def hang() -> None:
    threading.Event().wait()


@dataclass(frozen=True)
class Faulty:
    """Trains, but where a chosen restart is, something happens first."""

    faults: Mapping[int, Callable[[], None]]

    def __call__(self, task: Task) -> Trained:
        for segment in task.segments:
            for restart in range(segment.start, segment.stop):
                self.faults.get(restart, lambda: None)()
        return train_batch(task)


@dataclass(frozen=True)
class Broken:
    """Trains, but not on one worker, by its name."""

    name: object

    def __call__(self, task: Task) -> Trained:
        if get_worker().name == self.name:
            message = "No space left on device"
            raise OSError(message)
        return train_batch(task)


@dataclass(frozen=True)
class Wrong:
    """Trains, but gives other bits on one worker, by its name."""

    name: object
    later: bool = False
    """Whether that worker waits for `begin`."""

    def __call__(self, task: Task) -> Trained:
        other = get_worker().name == self.name
        if other and self.later:
            begin.wait(timeout=250)
        return train_batch(replace(task, seed=task.seed + other))


@dataclass(frozen=True)
class WrongOnGpus:
    """Trains, alone or several batches together, but gives other bits on GPUs."""

    train: Callable[..., Any]

    def __call__(self, task: Task, *sizes: Any) -> Any:
        return self.train(replace(task, seed=task.seed + (task.device == "gpu")), *sizes)


@dataclass(frozen=True)
class DiesOnce(StagedTraining):
    """Writes a shard and ends its process before it can tell, where a file is there to remove."""

    def __call__(self, *arguments: Any) -> list[StagedBatch] | NotStaged:
        answer = super().__call__(*arguments)
        with suppress(FileNotFoundError):
            Path(self.staging.folder).parents[1].joinpath("dies").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


@dataclass(frozen=True)
class LosesAnswers(StoredTraining):
    """Writes a shard into an object store, but its first answers are lost."""

    def __call__(self, *arguments: Any) -> list[StoredBatch]:
        answer = super().__call__(*arguments)
        if next(_answers) < 3:
            raise MemoryError
        return answer


_answers = itertools.count()


@dataclass(frozen=True)
class CannotWrite(StagedTraining):
    """Cannot write on the worker of the name 1."""

    def __call__(self, *arguments: Any) -> list[StagedBatch] | NotStaged:
        if get_worker().name == 1:
            return NotStaged("cannot write: Stale file handle")
        return super().__call__(*arguments)


@dataclass(frozen=True)
class Truncates(StagedTraining):
    """Loses the end of a file, where a file is there to remove."""

    def __call__(self, *arguments: Any) -> list[StagedBatch] | NotStaged:
        answer = super().__call__(*arguments)
        with suppress(FileNotFoundError):
            Path(self.staging.folder).parents[1].joinpath("dies").unlink()
            for part in answer:
                os.truncate(self.staging.path(part.shard), part.shard.size - 1)
        return answer


@dataclass(frozen=True)
class ComesLate(StagedTraining):
    """Has a shard seen, or its end, when `begin` is set, after its size has been told."""

    def __call__(self, *arguments: Any) -> list[StagedBatch] | NotStaged:
        answer = super().__call__(*arguments)
        for part in answer:
            path = self.staging.path(part.shard)
            kept = path.with_name(f"kept-{path.name}")
            path.rename(kept)
            if part.shard.sha256 < "8":  # of half of them a part is seen
                path.write_bytes(kept.read_bytes()[:-1])
            threading.Thread(target=_show, args=(kept, path), daemon=True).start()
        return answer


def _show(kept: Path, path: Path) -> None:
    begin.wait(timeout=50)
    kept.rename(path)


@dataclass(frozen=True)
class SeenByOne(SharesFolder):
    """The worker of the name 1 sees another folder."""

    async def require(self, dask_worker: Worker | None = None) -> None:
        if dask_worker is not None and dask_worker.name == 1:
            another = replace(self.staging, token=self.staging.token[::-1])
            await SharesFolder(another).require()
        await super().require()
