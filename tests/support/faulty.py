"""Faults that stand in for `train_batch` on a worker; workers import this module."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from distributed import get_worker

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
