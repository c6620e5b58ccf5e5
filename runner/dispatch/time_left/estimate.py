"""How long a run has still to go, from what its restarts have cost so far; knows no clock.

A configuration that is never solved costs a hundred times as much as one that stops at once, and no
plan can tell. So one batch of every group is trained before the others (`each_group_first`), and a
few restarts of every configuration where that is little beside all
(`runner.dispatch.time_left.pilot_tasks`). From then on what is left is known by what its like has
cost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import numpy as np

from runner.dispatch.time_left.group_costs import GroupCosts
from runner.dispatch.time_left.pace import Pace
from runner.dispatch.time_left.task_cost import TaskCost
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


class TimeLeft:
    """Estimates the time left of one run.

    Parameters
    ----------
    plan : Plan
        Its estimates are the costs of groups of which nothing is trained yet, times how the
        measured costs of the nearest group compare with its.
    left : iterable of Batch
        What the run is to train, in that order.

    Notes
    -----
    What is left is counted in seconds of processors, which what else a machine does hardly changes,
    and told in seconds of the clock, at the pace of late. Times of the run are in seconds from any
    moment on, the same in all calls.
    """

    def __init__(self, plan: Plan, left: Iterable[Batch]) -> None:
        self._groups: dict[tuple[int, int], GroupCosts] = {}
        self._left: dict[tuple[int, int, int], int] = {}  # restarts, by round, group and start
        for batch in left:
            if batch.group_of_round not in self._groups:
                self._groups[batch.group_of_round] = GroupCosts(plan, batch)
            self._left[*batch.group_of_round, batch.start] = len(batch)
            self._groups[batch.group_of_round].add(batch, len(batch))
        self._pace = Pace()

    def trained(self, part: Batch, cost: TaskCost) -> None:
        """Note the cost of restarts that are done: a part of a batch, or several batches."""
        self._done(part, len(part))
        self._groups[part.group_of_round].note(cost)
        self._pace.answered(cost)

    def piloted(self, part: Batch, cost: TaskCost) -> Batch | None:
        """Note the cost of restarts of a part's group that are still to be done.

        Returns
        -------
        Batch or None
            What is left of the group and has most steps: once it is trained, the seconds that a
            step takes are known for sure.
        """
        group = self._groups[part.group_of_round]
        group.note_pilot(cost)
        self._pace.answered(cost)
        left = [key[2] for key in self._left if key[:2] == part.group_of_round]
        steps = group.mean_steps()
        if not left:
            return None
        start = max(left, key=lambda start: group.sum_of(steps, start))
        return part.part(start, group.stop_of(start))

    def failed(self, batch: Batch, restarts: int) -> None:
        """Note that so many restarts of a batch will not be trained."""
        if restarts:
            self._done(batch, restarts)

    def seconds(self, now_s: float, workers: int) -> float | None:
        """Return the time left; None before most groups are known, and without workers."""
        known = sum(group.trained for group in self._groups.values())
        if 2 * known <= len(self._groups) or not workers:
            return None
        if not self._left:
            return 0.0
        costs, compile_s = self._restart_costs(), self._compile_s()
        spent = self._pace.spent_s(now_s, workers)
        if len(self._left) <= _FEW * workers:
            return _makespan(self._batch_costs(costs, compile_s), spent, workers)
        training_s = sum(float(of_one @ self._groups[key].left) for key, of_one in costs.items())
        mean_s = training_s / len(self._left)
        unknown = [g for g in self._groups.values() if not g.trained and g.left.any()]
        total = training_s + compile_s * len(unknown)
        for place, each in enumerate(spent):  # the longest first: who has been at it, compiles
            total -= min(each, mean_s + compile_s * (place < len(unknown)))
        return total / workers

    def _done(self, part: Batch, restarts: int) -> None:
        """Take restarts from what is left of the batches that a part is of."""
        group = self._groups[part.group_of_round]
        group.add(part, -restarts)
        size = group.range.batch_size
        for start in range(part.start // size * size, part.stop, size):
            key = (*part.group_of_round, start)
            of_it = min(part.stop, start + size) - max(part.start, start)
            self._left[key] = self._left.get(key, 0) - min(restarts, of_it)
            if self._left[key] <= 0:
                del self._left[key]

    def _restart_costs(self) -> dict[tuple[int, int], np.ndarray]:
        """Return the seconds that a restart of each configuration takes, by group."""
        pace = self._pace.value
        known = {key: group for key, group in self._groups.items() if group.trained}
        telling = [group for group in self._groups.values() if group.knows_steps()]
        slower = [group.rates_s(np.inf)[1] / group.step_s.mean() for group in telling]
        costs = {}
        for key, group in self._groups.items():
            step_s = fmean(slower) * group.step_s.mean() if slower else np.inf
            if group.trained:
                restart_s, step_s = group.rates_s(step_s)
                costs[key] = pace * (restart_s + step_s * group.mean_steps())
            elif group.seen.any() and slower:
                costs[key] = pace * step_s * group.mean_steps()
            else:  # in a plan's order neighbours are most alike
                near = known[min(known, key=lambda other: (abs(other[1] - key[1]), other))]
                costs[key] = pace * near.trained_s / near.expected_of_seen_s * group.expected_s
        return costs

    def _compile_s(self) -> float:
        """Return the seconds that a group takes to compile which no worker has trained yet."""
        compiled = [g.compile_s for g in self._groups.values() if g.compile_s > _COMPILED_S]
        return fmean(compiled) if compiled else 0.0

    def _batch_costs(
        self, costs: Mapping[tuple[int, int], np.ndarray], compile_s: float
    ) -> list[float]:
        """Return the seconds that each batch takes that is left, in the order of sending."""
        seconds = []
        compiled = {key for key, group in self._groups.items() if group.trained}
        for (*key, start), left in self._left.items():
            of_round = key[0], key[1]
            group = self._groups[of_round]
            share = left / (group.stop_of(start) - start)
            first_s = 0.0 if of_round in compiled else compile_s
            compiled.add(of_round)
            seconds.append(group.sum_of(costs[of_round], start) * share + first_s)
        return seconds


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
