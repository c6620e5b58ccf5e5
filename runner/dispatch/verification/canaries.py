"""Do the workers compute alike? Every one trains the same small batch before it is believed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from runner.cluster.task_results import TaskResult
from runner.dispatch.tasks.auxiliary import AuxiliaryTask

Kind = tuple[str, tuple[int, int]]
"""What has a canary: a kind of device, and a group of a round."""

MOST_LOST = 3
"""Workers in a row that may leave with a canary before it is blamed."""


@dataclass(frozen=True, eq=False)
class CanaryTask(AuxiliaryTask):
    """A small batch for one worker."""

    worker: str
    """Address of the worker."""
    urgent = True

    @property
    def name(self) -> str:
        """For Dask's name of the task."""
        return f"canary-{self.batch.name}"

    @property
    def canary(self) -> Kind:
        """Which canary it is."""
        return self.kind, self.batch.group_of_round

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return the one worker, while it is there."""
        return [self.worker] if self.worker in addresses else []


@dataclass(frozen=True)
class Difference:
    """A worker that computes other bits than the first one did."""

    worker: str
    """Address."""
    sha256: str
    """Of its answer."""
    reference: str
    """Address of the worker that it is compared with."""
    expected: str
    """SHA-256 of that one's answer."""


@dataclass
class _Canary:
    """What is known of one canary."""

    asked: set[str] = field(default_factory=set)
    """Workers that have not answered yet."""
    reference: tuple[str, str] | None = None
    """The worker that all are compared with, and the SHA-256 of its answer."""
    early: dict[str, str] = field(default_factory=dict)
    """SHA-256 by worker of answers that came before there was a reference."""
    lost: int = 0
    """Workers in a row that have left before they answered."""
    spoilt: bool = False
    """Whether nobody is asked any more, because it cannot be trained."""


class Canaries:
    """Compares workers by the hash of a small batch; knows no cluster.

    The first worker is believed. A worker that joins is compared with it, on the group of
    configurations that comes next, so that what it compiles for the comparison is what it needs. A
    group that has no answer yet is asked of a believed worker as well.

    Notes
    -----
    A worker is unknown, asked, and then believed or different, until it is gone (`forget`). What
    can interleave:

    - The answer of a new worker may come before that of the believed worker which was asked with
      it. It must not become the reference, or a wrong newcomer would have the others sent away. So
      it waits in ``early`` until the believed one has answered or left.
    - A worker may leave with a canary. Others are asked when they join. If workers leave with it
      three times in a row, it is the canary that kills them: it is *spoilt*, and all are believed.
    """

    def __init__(self) -> None:
        self.believed: set[str] = set()
        self.different: set[str] = set()
        self._canaries: dict[Kind, _Canary] = {}

    def ask(self, workers: Iterable[str], kind: Kind) -> list[str]:
        """Return which of the workers that are there shall be sent a canary now."""
        there = list(workers)
        canary = self._canaries.setdefault(kind, _Canary())
        known = self.believed | self.different
        pending = set[str]().union(*(c.asked for c in self._canaries.values()))
        new = [w for w in there if w not in known | pending]
        if canary.spoilt:
            self.believed |= set(new)
            return []
        asked = list(new)
        if new and canary.reference is None and not canary.asked & self.believed:
            asked = [w for w in there if w in self.believed][:1] + new
        canary.asked |= set(asked)
        return asked

    def ended(self, task: CanaryTask, result: TaskResult | None) -> list[Difference]:
        """Accept the outcome of a canary; return the workers that differ."""
        if result is None:
            return self.left(task.worker, task.canary)
        if result.reason:
            self.failed(task.canary)
            return []
        return self.answered(task.worker, task.canary, result.value)

    def answered(self, worker: str, kind: Kind, sha256: str) -> list[Difference]:
        """Accept an answer; return the workers that differ."""
        canary = self._canaries[kind]
        canary.asked.discard(worker)
        canary.lost = 0
        if canary.reference is None and not (
            worker not in self.believed and canary.asked & self.believed
        ):
            canary.reference = (worker, sha256)
        canary.early[worker] = sha256
        return self._compared(canary)

    def left(self, worker: str, kind: Kind) -> list[Difference]:
        """Handle a worker that left before it answered; return the workers that differ."""
        canary = self._canaries[kind]
        canary.asked.discard(worker)
        canary.lost += 1
        if canary.lost >= MOST_LOST:
            self.failed(kind)
        if canary.reference is None and canary.early and not canary.asked & self.believed:
            canary.reference = next(iter(canary.early.items()))
        return self._compared(canary)

    def failed(self, kind: Kind) -> None:
        """Handle a canary that cannot be trained: believe all that were to answer it."""
        canary = self._canaries[kind]
        canary.spoilt = True
        self.believed |= (canary.asked | canary.early.keys()) - self.different
        canary.asked, canary.early = set(), {}

    def forget(self, present: Collection[str]) -> None:
        """Forget the workers that are gone: another may come under the same address."""
        self.believed.intersection_update(present)
        self.different.intersection_update(present)

    def _compared(self, canary: _Canary) -> list[Difference]:
        if canary.reference is None:
            return []
        reference, expected = canary.reference
        found = []
        for worker, sha256 in canary.early.items():
            if sha256 == expected:
                self.believed.add(worker)
            else:
                self.believed.discard(worker)
                self.different.add(worker)
                found.append(Difference(worker, sha256, reference, expected))
        canary.early = {}
        return found
