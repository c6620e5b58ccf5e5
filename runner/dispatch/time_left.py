"""How long a run has still to go, from what its batches have cost so far; knows no clock.

A group of networks that never learn costs a hundred times as much as one that stops at once, and
no plan can tell. So one batch of every group is trained before the others (`each_group_first`);
from then on what is left is known by what its like has cost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from runner.experiment.batches import Batch
from runner.experiment.plan import Plan

_COMPILED_S = 1e-3  # what takes less was a look-up: the worker had the function already
_FEW = 16  # batches per worker up to which the end is worked out batch by batch


def each_group_first(batches: Iterable[Batch]) -> list[Batch]:
    """Return batches with one of every group before all others, the second where there is one.

    The first of a group is like no other: it records curves. A compilation that fails is so met at
    once too, and not after the groups before it. All others stay in their order, as a GPU is given
    several batches that follow each other as one.
    """
    batches = list(batches)
    by_group: dict[tuple[int, int], list[Batch]] = {}
    for batch in batches:
        by_group.setdefault(batch.group_of_round, []).append(batch)
    chosen = [same[:2][-1] for same in by_group.values()]
    early = set(chosen)
    return [*chosen, *(batch for batch in batches if batch not in early)]


@dataclass
class _Group:
    """What is known of the cost of one group."""

    estimated_s: float
    """Seconds of training per restart as the plan estimates them, if none stops early."""
    batch_size: int
    """Restarts per batch."""
    left: int = 0
    """Restarts that are not trained yet."""
    trained: int = 0
    """Restarts that this run has trained."""
    train_s: float = 0.0
    """Seconds of workers that these took."""
    compile_s: float = 0.0
    """The longest that a worker has compiled."""

    @property
    def restart_s(self) -> float:
        """Seconds of a worker per restart, as measured."""
        return self.train_s / self.trained


class TimeLeft:
    """Estimates the time left of one run.

    Parameters
    ----------
    plan : Plan
        Its estimates are the costs of groups of which nothing is trained yet, times how the
        others' measured costs compare with theirs.
    left : iterable of Batch
        What the run is to train.

    Notes
    -----
    Times of the run are in seconds from any moment on, the same in all calls. What a worker's
    tasks take beyond training and compiling, such as their way to the client, is measured from one
    result of it to the next, and added to all that is left.
    """

    def __init__(self, plan: Plan, left: Iterable[Batch]) -> None:
        self._groups: dict[tuple[int, int], _Group] = {}
        for batch in left:
            key = batch.group_of_round
            if key not in self._groups:
                members = plan.members(batch)
                restart_s = fmean(c.step_s * c.settings.training.max_steps for c in members)
                self._groups[key] = _Group(restart_s, plan.round_group(batch).batch_size)
            self._groups[key].left += len(batch)
        self._latest_s: dict[str, float] = {}  # when a worker has answered last
        self._worked_s = self._passed_s = 0.0  # between answers

    def note(
        self,
        group: tuple[int, int],
        restarts: int,
        worker: str,
        *,
        train_s: float,
        compile_s: float,
        now_s: float,
    ) -> None:
        """Note what a task of a `Batch.group_of_round` has cost that a worker has just answered."""
        known = self._groups[group]
        known.left = max(0, known.left - restarts)
        known.trained += restarts
        known.train_s += train_s
        known.compile_s = max(known.compile_s, compile_s)
        if worker in self._latest_s:
            self._worked_s += train_s + compile_s
            self._passed_s += now_s - self._latest_s[worker]
        self._latest_s[worker] = now_s

    def failed(self, group: tuple[int, int], restarts: int) -> None:
        """Note restarts that will not be trained."""
        self._groups[group].left = max(0, self._groups[group].left - restarts)

    def seconds(self, now_s: float, workers: int) -> float | None:
        """Return the time left; None before most groups are known, and without workers."""
        seen = [group for group in self._groups.values() if group.trained]
        if 2 * len(seen) <= len(self._groups) or not workers:
            return None
        costs = self._batch_costs(seen)
        n_batches = sum(n for n, _ in costs)
        if not n_batches:
            return 0.0
        at_work = sorted(self._latest_s.values())[-workers:]
        spent = [min(now_s - latest_s, costs[0][1]) for latest_s in at_work]
        if n_batches > _FEW * workers:
            return (sum(n * cost for n, cost in costs) - sum(spent)) / workers
        return _makespan([cost for n, cost in costs for _ in range(n)], spent, workers)

    def _batch_costs(self, seen: Sequence[_Group]) -> list[tuple[int, float]]:
        """Return the batches that are left, group by group, and the seconds that each takes."""
        ratio = sum(g.restart_s for g in seen) / sum(g.estimated_s for g in seen)
        compiled = [g.compile_s for g in seen if g.compile_s > _COMPILED_S]
        compile_s = fmean(compiled) if compiled else 0.0
        slower = max(1.0, self._passed_s / self._worked_s) if self._worked_s else 1.0
        costs = []
        for group in self._groups.values():
            n = -(-group.left // group.batch_size)
            restart_s = group.restart_s if group.trained else ratio * group.estimated_s
            train_s = restart_s * group.left + (0.0 if group.trained else compile_s)
            if n > 0:
                costs.append((n, slower * train_s / n))
        return costs


def _makespan(costs: Sequence[float], spent: Sequence[float], workers: int) -> float:
    """Return when the last batch is done, if whoever is free takes the next one.

    Of the first batches, which are under way, workers have ``spent`` some seconds already.
    """
    free = [0.0] * workers
    under_way = [*spent, *[0.0] * workers][:workers]
    for place, cost in enumerate(costs):
        done = under_way[place] if place < workers else 0.0
        heapq.heappush(free, heapq.heappop(free) + max(0.0, cost - done))
    return max(free)
