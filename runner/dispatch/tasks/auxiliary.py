"""Tasks beside the pieces of batches: short checks that a run asks of chosen workers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import ClassVar

from runner.experiment.batches import Batch


@dataclass(frozen=True, eq=False)
class AuxiliaryTask(ABC):
    """A task that is not a piece of a batch: a canary, or an audit.

    Notes
    -----
    For implementers: a task is plain data. What a worker runs for it is `TaskHandler.call`'s
    decision, and what follows from its outcome is `TaskHandler.auxiliary_ended`'s.
    """

    kind: str
    """Kind of device that it must run on."""
    batch: Batch
    """What it trains, for its deadline."""

    urgent: ClassVar[bool] = False
    """Whether it goes ahead of what its worker has been sent. An urgent task is sent at once or
    lost; another one waits for room and for a worker."""

    @property
    @abstractmethod
    def name(self) -> str:
        """For Dask's name of the task."""

    @abstractmethod
    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return which of the workers of its kind may do it."""


class AuxiliaryQueue:
    """Auxiliary tasks that wait to be sent, by kind of device."""

    def __init__(self) -> None:
        self._urgent: dict[str, deque[AuxiliaryTask]] = {}
        self._others: dict[str, deque[AuxiliaryTask]] = {}

    def __bool__(self) -> bool:
        """Whether a task waits."""
        return any(queue for queues in (self._urgent, self._others) for queue in queues.values())

    @property
    def kinds(self) -> Set[str]:
        """Kinds of device for which tasks wait or have waited."""
        return self._urgent.keys() | self._others.keys()

    def add(self, task: AuxiliaryTask) -> None:
        """Append a task."""
        queues = self._urgent if task.urgent else self._others
        queues.setdefault(task.kind, deque()).append(task)

    def next(self, kind: str) -> AuxiliaryTask | None:
        """Take the first task of a kind that is not urgent, or None."""
        queue = self._others.get(kind)
        return queue.popleft() if queue else None

    def take_urgent(self, kind: str) -> list[AuxiliaryTask]:
        """Take all urgent tasks of a kind."""
        return list(self._urgent.pop(kind, ()))

    def take_all(self, kind: str) -> list[AuxiliaryTask]:
        """Take all tasks of a kind, the urgent ones first."""
        return [*self.take_urgent(kind), *self._others.pop(kind, ())]
