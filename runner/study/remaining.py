"""What is left to train of a study's plan, and what is done: restarts, by configuration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study.store import Store


@dataclass(frozen=True, eq=False)
class Remaining:
    """The part of a plan that a sweep into a study's folder would train."""

    plan: Plan
    """Of the study, or what it is to grow to."""
    batches: tuple[Batch, ...]
    """Those that are not committed, or whose shard is gone."""
    bytes_per_restart: float
    """Of the shards that are committed; 0 where none is."""

    @cached_property
    def counts(self) -> np.ndarray:
        """Restarts that are left of each configuration, (n,) int64, in the order of the grid."""
        counts = np.zeros(len(self.plan.configurations), np.int64)
        for batch in self.batches:
            for number, start, stop in self.plan.round_group(batch).ranges(batch.start, batch.stop):
                counts[self.plan.roster.by_number[number].index] += stop - start
        return counts

    @property
    def n_restarts(self) -> int:
        """Restarts that are left."""
        return sum(len(batch) for batch in self.batches)

    @property
    def n_done(self) -> int:
        """Restarts that are not trained again: those of committed batches."""
        return self.plan.n_restarts - self.n_restarts

    @property
    def n_before(self) -> int:
        """Restarts that are left of rounds before the last one."""
        last = len(self.plan.rounds) - 1
        return sum(len(batch) for batch in self.batches if batch.round < last)

    @cached_property
    def groups(self) -> dict[int, list[Batch]]:
        """The batches by the group of the plan that compiles them."""
        found: dict[int, list[Batch]] = {}
        for batch in self.batches:
            found.setdefault(self.plan.group_number(batch), []).append(batch)
        return found


def remaining(store: Store, plan: Plan) -> Remaining | None:
    """Return what is left of a plan in a folder; None where it has no study yet."""
    if not store.exists:
        return None
    commits = store.commits()
    n_rows = sum(commit.rows for commit in commits)
    mean = sum(commit.size for commit in commits) / max(n_rows, 1)
    return Remaining(plan, tuple(store.remaining(plan)), mean)
