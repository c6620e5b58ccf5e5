"""Train a share of the batches a second time, on other workers, and compare every bit."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner.cluster.task_results import TaskResult
from runner.dispatch.tasks.auxiliary import AuxiliaryTask
from runner.engines.devices import KINDS
from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study.commits import Commit
from runner.study.store import Store

_TRIES = 2  # of a second training that comes to nothing


def chosen(batches: Iterable[Batch], seed: int, share: float) -> frozenset[Batch]:
    """Choose the batches that are audited.

    Parameters
    ----------
    batches : iterable of Batch
        All of a plan.
    seed : int
        Root seed of the experiment.
    share : float
        From 0 to 1; of a larger share, a smaller one is a part.

    Returns
    -------
    frozenset of Batch
        That share of them, rounded up, picked by a hash: the same in every run.
    """
    every = list(batches)

    def rank(batch: Batch) -> bytes:
        return hashlib.sha256(f"{seed} {batch.name}".encode()).digest()

    count = math.ceil(round(share * len(every), 6))
    return frozenset(heapq.nsmallest(count, every, key=rank))


@dataclass(frozen=True, eq=False)
class AuditTask(AuxiliaryTask):
    """One batch's audit, done by a worker that has no part in what is stored of it."""

    commit: Commit
    """What is stored."""
    trained_by: tuple[str, ...]
    """Addresses of the workers that trained it; empty if an earlier run did."""
    failures: int = 0
    """How often the second training has failed."""

    @property
    def name(self) -> str:
        """For Dask's name of the task."""
        return f"audit-{self.batch.name}"

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return all but those that have trained it; these as well if there are no others."""
        return [a for a in addresses if a not in self.trained_by] or addresses

    def ended(self, result: TaskResult | None) -> AuditTask | AuditRecord:
        """Return what follows: the audit once more, or what is to be recorded of it."""
        if result is None:
            return self
        if result.reason:
            failures = self.failures + 1
            if failures < _TRIES:
                return replace(self, failures=failures)
            return AuditRecord(self.commit, self.trained_by, reason=result.reason)
        return AuditRecord(self.commit, self.trained_by, result.worker, result.value)


@dataclass(frozen=True)
class AuditRecord:
    """What one audit has found."""

    commit: Commit
    """What is stored."""
    trained_by: tuple[str, ...]
    """Addresses of the workers that trained it; empty if an earlier run did."""
    audited_by: str = ""
    """Address of the worker that trained it the second time, if any could."""
    sha256: str = ""
    """Of the second shard; empty if there is none."""
    reason: str = ""
    """Why there is none."""

    @property
    def alike(self) -> bool | None:
        """Whether both shards are the same; None if there is no second one."""
        return self.sha256 == self.commit.sha256 if self.sha256 else None

    @property
    def other_worker(self) -> bool | None:
        """Whether another worker did the audit; None if that is not known."""
        if not (self.sha256 and self.trained_by):
            return None
        return self.audited_by not in self.trained_by

    @property
    def row(self) -> dict[str, object]:
        """The record as a line of the study's audits."""
        return {
            "batch": self.commit.batch.name,
            "trained_by": list(self.trained_by),
            "sha256": self.commit.sha256,
            "audited_by": self.audited_by,
            "audited_sha256": self.sha256,
            "alike": self.alike,
            "other_worker": self.other_worker,
            "reason": self.reason,
        }

    def check(self, study: Path) -> None:
        """Raise StudyError if the batch has another hash the second time."""
        if self.alike is not False:
            return
        first = ", ".join(self.trained_by) or "a worker of an earlier run"
        message = (
            f"{printable(str(study))}: batch {self.commit.batch.name} has SHA-256 "
            f"{self.commit.sha256} as {first} trained it, and {self.sha256} as {self.audited_by} "
            "did; expected the same. Nothing was overwritten. Find out which of them computes "
            "wrongly; `--audit 1` compares every batch."
        )
        raise StudyError(message)


class Audits:
    """Which batches of one run are audited.

    Parameters
    ----------
    batches : collection of Batch
        The chosen ones that no run has yet found alike, see `unaudited`.
    """

    def __init__(self, batches: Collection[Batch]) -> None:
        self._batches = batches

    def committed(
        self, commit: Commit, trained_by: Iterable[str] = (), *, cpus: bool = False
    ) -> list[AuditTask | AuditRecord]:
        """Return the audit of a batch, or why there can be none; nothing if it is not chosen.

        What a kernel has trained is audited on a CPU if ``cpus`` are there: it has a CPU's bits.
        """
        if commit.batch not in self._batches:
            return []
        workers = tuple(sorted(trained_by))
        kind = "cpu" if commit.programs and cpus else commit.device
        reason = ""
        if commit.failures:
            reason = "some of its restarts could not be trained"
        elif kind not in KINDS:
            reason = "it was trained on several kinds of device"
        if reason:
            return [AuditRecord(commit, workers, reason=reason)]
        return [AuditTask(kind, commit.batch, commit, workers)]


def unaudited(store: Store, plan: Plan, share: float) -> frozenset[Batch]:
    """Return the chosen batches that no run has yet found alike."""
    if not share:
        return frozenset()
    done = {found["batch"] for found in store.audits() if found.get("alike")}
    every = chosen(plan.batches(), plan.experiment.seed, share)
    return frozenset(batch for batch in every if batch.name not in done)
