"""Do the workers compute alike? Every one answers the same small question before it is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.cluster.answers import Answer
from runner.experiment.plan import Batch

Kind = tuple[str, int]
"""What has a canary: a kind of device, and a group of configurations."""

_MOST_LOST = 3  # workers in a row that may leave with a canary before it is blamed


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
    reference: tuple[str, str] | None = None
    early: dict[str, str] = field(default_factory=dict)
    lost: int = 0
    spoilt: bool = False


class Canaries:
    """Compares workers by the hash of a small batch; knows no cluster.

    The first worker is believed. A worker that joins is compared with it, on the group of
    configurations that comes next, so that what it compiles for the comparison is what it needs. A
    group that has no answer yet is asked of a believed worker as well.
    """

    def __init__(self) -> None:
        self.believed: set[str] = set()
        self.different: set[str] = set()
        self._canaries: dict[Kind, _Canary] = {}

    def ask(self, workers: Iterable[str], kind: Kind) -> list[str]:
        """Return which of the workers that are there are to answer a canary now."""
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

    def answered(self, worker: str, kind: Kind, sha256: str) -> list[Difference]:
        """Take an answer; return the workers that turn out to differ."""
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
        """Take that a worker has left before it answered; return whom that shows to differ."""
        canary = self._canaries[kind]
        canary.asked.discard(worker)
        canary.lost += 1
        if canary.lost >= _MOST_LOST:
            self.failed(kind)
        if canary.reference is None and canary.early and not canary.asked & self.believed:
            canary.reference = next(iter(canary.early.items()))
        return self._compared(canary)

    def failed(self, kind: Kind) -> None:
        """Take that a canary cannot be trained: believe all that were to answer it."""
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


class Canary:
    """One worker's canary: an errand to it alone."""

    urgent = True

    def __init__(
        self,
        worker: str,
        kind: Kind,
        batch: Batch,
        call: tuple[Callable[..., Any], tuple[Any, ...]],
        canaries: Canaries,
        differ: Callable[[list[Difference]], None],
    ) -> None:
        self.name = f"canary-{batch.name}"
        self.kind = kind[0]
        self.batch = batch
        self._worker = worker
        self._which = kind
        self._call = call
        self._canaries = canaries
        self._differ = differ

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return the one worker."""
        return [self._worker] if self._worker in addresses else []

    def call(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Train the canary."""
        return self._call

    def answered(self, answer: Answer) -> None:
        """Compare."""
        sha256 = hashlib.sha256(answer.result.shard).hexdigest()
        self._differ(self._canaries.answered(self._worker, self._which, sha256))

    def failed(self, reason: str) -> None:
        """Do without."""
        self._canaries.failed(self._which)

    def lost(self) -> None:
        """Leave it: another worker is asked when it joins."""
        self._differ(self._canaries.left(self._worker, self._which))
