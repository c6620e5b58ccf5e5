"""Train a share of the batches a second time, on other workers, and compare every bit."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from runner.cluster.answers import Answer
from runner.engines.devices import KINDS
from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.plan import Batch, Plan
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


class Audit:
    """One batch's audit: an errand to a worker that has no part in what is stored of it."""

    urgent = False

    def __init__(self, audits: Audits, commit: Commit, trained_by: Iterable[str]) -> None:
        self.name = f"audit-{commit.batch.name}"
        self.kind = commit.device
        self.batch = commit.batch
        self.commit = commit
        self.trained_by = sorted(trained_by)
        self.failures = 0
        self._audits = audits

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return all but those that have trained it; these as well if there are no others."""
        return [a for a in addresses if a not in self.trained_by] or addresses

    def call(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Train the batch."""
        return self._audits.train(self.batch, self.kind)

    def answered(self, answer: Answer) -> None:
        """Compare."""
        sha256 = hashlib.sha256(answer.result.shard).hexdigest()
        self._audits.record(self, sha256=sha256, audited_by=answer.worker)

    def failed(self, reason: str) -> None:
        """Try once more, then leave it."""
        self.failures += 1
        if self.failures < _TRIES:
            self.lost()
        else:
            self._audits.record(self, reason=reason)

    def lost(self) -> None:
        """Do it later."""
        self._audits.waiting(self)


class Audits:
    """The audits of one run.

    Parameters
    ----------
    store : Store
    plan : Plan
    share : float
        How many of the batches are audited, from 0 to 1.
    train : callable
        Returns what a worker is to call to train a batch on a kind of device.
    waiting : callable
        Takes an audit that is to be sent.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        share: float,
        train: Callable[[Batch, str], tuple[Callable[..., Any], tuple[Any, ...]]],
        waiting: Callable[[Audit], None],
    ) -> None:
        self.train = train
        self.waiting = waiting
        self._store = store
        self._chosen = unaudited(store, plan, share)

    def committed(self, commit: Commit, trained_by: Iterable[str] = ()) -> None:
        """Have a batch audited if it is one of the chosen."""
        if commit.batch not in self._chosen:
            return
        audit = Audit(self, commit, trained_by)
        if commit.failures:
            self.record(audit, reason="some of its restarts could not be trained")
        elif commit.device not in KINDS:
            self.record(audit, reason="it was trained on several kinds of device")
        else:
            self.waiting(audit)

    def record(
        self, audit: Audit, *, sha256: str = "", audited_by: str = "", reason: str = ""
    ) -> None:
        """Write down what was found.

        Raises
        ------
        StudyError
            If the batch has another hash the second time.
        """
        commit, alike = audit.commit, sha256 == audit.commit.sha256
        found = {
            "batch": commit.batch.name,
            "trained_by": audit.trained_by,
            "sha256": commit.sha256,
            "audited_by": audited_by,
            "audited_sha256": sha256,
            "alike": alike if sha256 else None,
            "other_worker": audited_by not in audit.trained_by
            if sha256 and audit.trained_by
            else None,
            "reason": reason,
        }
        self._store.record(found, self._store.audit_path)
        if sha256 and not alike:
            first = ", ".join(audit.trained_by) or "a worker of an earlier run"
            message = (
                f"{printable(str(self._store.path))}: batch {commit.batch.name} has SHA-256 "
                f"{commit.sha256} as {first} trained it, and {sha256} as {audited_by} did; "
                "expected the same. Nothing was overwritten. Find out which of them computes "
                "wrongly; `--audit 1` compares every batch."
            )
            raise StudyError(message)


def unaudited(store: Store, plan: Plan, share: float) -> frozenset[Batch]:
    """Return the chosen batches that no run has yet found alike."""
    if not share:
        return frozenset()
    done = {found["batch"] for found in store.audits() if found.get("alike")}
    every = chosen(plan.batches(), plan.experiment.seed, share)
    return frozenset(batch for batch in every if batch.name not in done)
