"""How long a run has still to go, from what its restarts have cost so far; knows no clock.

A configuration that is never solved costs a hundred times as much as one that stops at once, and
no plan can tell. So one batch of every group is trained before the others (`each_group_first`),
and a few restarts of every configuration where that is little beside all
(`runner.dispatch.surveys`). From then on what is left is known by what its like has cost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np

from runner.experiment.batches import Batch
from runner.experiment.plan import Plan

_COMPILED_S = 1e-3  # what takes less was a look-up: the worker had the function already
_STEEP = 0.3  # share of the most steps left that a batch must have had to tell what steps take
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


@dataclass(frozen=True)
class Answer:
    """What a task has cost that a worker has just answered."""

    worker: str
    """Address."""
    train_s: float
    """Seconds of training."""
    compile_s: float
    """Seconds of compiling, or of looking up what is compiled."""
    now_s: float
    """When, in seconds of the run."""
    steps: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Restarts and the sum of their steps, by number of the configuration."""

    @classmethod
    def of(cls, worker: str, told: Sequence[Mapping[str, Any]], now_s: float) -> Answer:
        """Return what a task has cost by the telemetry of its batches."""
        steps: dict[int, tuple[int, int]] = {}
        for each in told:
            for number, (n, steps_of) in each["steps"].items():
                before = steps.get(number, (0, 0))
                steps[number] = (before[0] + n, before[1] + steps_of)
        train_s, compile_s = (sum(each[name] for each in told) for name in ("train_s", "compile_s"))
        return cls(worker, train_s, compile_s, now_s, steps)


class _Group:
    """What is known of the cost of one group.

    Parameters
    ----------
    plan : Plan
    batch : Batch
        Any of its batches.
    """

    def __init__(self, plan: Plan, batch: Batch) -> None:
        members = plan.members(batch)
        self.range = plan.round_group(batch)
        self.place = {int(number): place for place, number in enumerate(self.range.numbers)}
        self.most_steps = np.array([c.settings.training.max_steps for c in members], float)
        self.step_s = np.array([c.step_s for c in members])
        """Seconds that the plan expects of a step."""
        self.stops = bool(members[0].signature().stops)
        """Whether restarts end before their last step."""
        self.left = np.zeros(len(members))
        """Restarts of each configuration that are not trained yet."""
        self.seen = np.zeros((2, len(members)))
        """Restarts of each that were trained, and their steps."""
        self.trained_s = 0.0
        """Seconds of workers that its batches took, without surveys."""
        self.expected_of_seen_s = 0.0
        """Seconds that the plan expects of these."""
        self.compile_s = 0.0
        """The longest that a worker has compiled."""
        self._fit = np.zeros(5)  # of seconds on steps, per restart: the sums of a regression
        self._most_x = 0.0  # steps of a restart, on average, of the batch that has most
        self._surveyed = (0.0, 0.0)  # steps and seconds of a restart, on average, of its survey
        self._dearest_s = float("inf")  # a step, by the task that leaves least for it

    @property
    def trained(self) -> bool:
        """Whether anything is known of it."""
        return self.trained_s > 0

    @property
    def expected_s(self) -> np.ndarray:
        """Seconds per restart of each configuration as the plan expects, if none stops early."""
        expected: np.ndarray = self.most_steps * self.step_s
        return expected

    def add(self, part: Batch, restarts: int) -> None:
        """Count some of a part's restarts as left; fewer than none as done."""
        share = restarts / len(part)
        for number, start, stop in self.range.ranges(part.start, part.stop):
            place = self.place[number]
            self.left[place] = max(0.0, self.left[place] + share * (stop - start))

    def survey(self, answer: Answer) -> None:
        """Note the steps of a few restarts, and what they have cost."""
        for number, seen in answer.steps.items():
            self.seen[:, self.place[number]] += seen
        x, y = self._surveyed = self._per_restart(answer)
        self._dearest_s = min(self._dearest_s, y / max(x, 1e-9))

    def note(self, answer: Answer) -> None:
        """Note what some of its restarts have cost."""
        before, (x, y) = self._surveyed, self._per_restart(answer)
        self.survey(answer)
        self._surveyed = before
        self._most_x = max(self._most_x, x)
        self._fit += np.array([1, x, x * x, y, x * y]) / (y * y)  # times are off by shares
        self.trained_s += answer.train_s
        self.expected_of_seen_s += sum(
            n * self.expected_s[self.place[number]] for number, (n, _) in answer.steps.items()
        )
        self.compile_s = max(self.compile_s, answer.compile_s)

    @staticmethod
    def _per_restart(answer: Answer) -> tuple[float, float]:
        """Return steps and seconds per restart of a task."""
        n = sum(restarts for restarts, _ in answer.steps.values())
        steps = sum(steps for _, steps in answer.steps.values())
        return steps / n, max(answer.train_s, 1e-9) / n

    def mean_steps(self) -> np.ndarray:
        """Return the steps of a restart of each configuration, (n,), by what was trained."""
        restarts, steps = self.seen
        if not self.stops:
            return self.most_steps
        share = steps.sum() / (restarts @ self.most_steps)
        met = restarts > 0
        return np.where(met, steps / np.maximum(restarts, 1), share * self.most_steps)

    def knows_steps(self) -> bool:
        """Whether batches tell what the steps of all that is left take, not only their labels."""
        left = self.mean_steps()[self.left > 0.5] if self.seen.any() else np.zeros(0)
        return self.trained and self._most_x >= _STEEP * left.max(initial=0.0)

    def rates_s(self, step_s: float) -> tuple[float, float]:
        """Return the seconds of a restart without its steps, and of a step, by what was trained.

        Both are fitted to the batches so far where these tell them apart. Where not, a step takes
        what is given, but no more than any task allows; if nothing is given (inf), it takes what
        the survey took beyond the batches, which is less sure, as that was a short task.
        """
        n, x, xx, y, xy = self._fit
        spread = n * xx - x * x
        steps, seconds = self._surveyed
        if self.knows_steps():
            step_s = (n * xy - x * y) / spread if spread > 1e-6 * n * xx else self._dearest_s
        elif np.isinf(step_s) and steps * n > 2 * x:
            step_s = (seconds - y / n) / (steps - x / n)
        step_s = min(max(step_s, 0.0), self._dearest_s)
        return max(0.0, (y - step_s * x) / n), step_s

    def stop_of(self, start: int) -> int:
        """Return where a batch ends that starts somewhere."""
        return min(start + self.range.batch_size, len(self.range))

    def sum_of(self, each: np.ndarray, start: int) -> float:
        """Return the sum over a batch's restarts of what each of a configuration's has, (n,)."""
        ranges = self.range.ranges(start, self.stop_of(start))
        return float(sum((b - a) * each[self.place[number]] for number, a, b in ranges))


class TimeLeft:
    """Estimates the time left of one run.

    Parameters
    ----------
    plan : Plan
        Its estimates are the costs of groups of which nothing is trained yet, times how the
        others' measured costs compare with theirs.
    left : iterable of Batch
        What the run is to train, in that order.

    Notes
    -----
    Times of the run are in seconds from any moment on, the same in all calls. What a worker's
    tasks take beyond training and compiling, such as their way to the client, is measured from one
    result of it to the next, and added to all that is left.
    """

    def __init__(self, plan: Plan, left: Iterable[Batch]) -> None:
        self._groups: dict[tuple[int, int], _Group] = {}
        self._left: dict[tuple[int, int, int], int] = {}  # restarts, by round, group and start
        for batch in left:
            if batch.group_of_round not in self._groups:
                self._groups[batch.group_of_round] = _Group(plan, batch)
            self._left[*batch.group_of_round, batch.start] = len(batch)
            self._groups[batch.group_of_round].add(batch, len(batch))
        self._latest_s: dict[str, float] = {}  # when a worker has answered last
        self._worked_s = self._passed_s = 0.0  # between answers

    def trained(self, part: Batch, answer: Answer) -> None:
        """Note the cost of restarts that are done: a part of a batch, or several batches."""
        self._done(part, len(part))
        self._groups[part.group_of_round].note(answer)
        self._answered(answer)

    def surveyed(self, part: Batch, answer: Answer) -> Batch | None:
        """Note the cost of restarts of a part's group that are still to be done.

        Returns
        -------
        Batch or None
            What is left of the group and has most steps: once it is trained, the seconds that a
            step takes are known.
        """
        group = self._groups[part.group_of_round]
        group.survey(answer)
        self._answered(answer)
        left = [key[2] for key in self._left if key[:2] == part.group_of_round]
        steps = group.mean_steps()

        def most(start: int) -> float:
            return group.sum_of(steps, start)

        if not left:
            return None
        start = max(left, key=most)
        return part.part(start, group.stop_of(start))

    def _answered(self, answer: Answer) -> None:
        if answer.worker in self._latest_s:
            self._worked_s += answer.train_s + answer.compile_s
            self._passed_s += answer.now_s - self._latest_s[answer.worker]
        self._latest_s[answer.worker] = answer.now_s

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
        costs = self._restart_costs()
        at_work = sorted(self._latest_s.values())[-workers:]
        if len(self._left) > _FEW * workers:
            total = sum(float(of_one @ self._groups[k].left) for k, of_one in costs.items())
            mean = total / len(self._left)
            spent = sum(min(now_s - latest_s, mean) for latest_s in at_work)
            return self._slower * (total - spent) / workers
        under_way = [now_s - latest_s for latest_s in at_work]
        return _makespan(self._batch_costs(costs), under_way, workers)

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
        groups = self._groups.values()
        telling = [group for group in groups if group.knows_steps()]
        met = [group for group in groups if group.trained]
        slower = [g.rates_s(np.inf)[1] / g.step_s.mean() for g in telling]
        compiled = [g.compile_s for g in met if g.compile_s > _COMPILED_S]
        ratio = sum(g.trained_s for g in met) / sum(g.expected_of_seen_s for g in met)
        costs = {}
        for key, group in self._groups.items():
            step_s = fmean(slower) * group.step_s.mean() if slower else np.inf
            if group.trained:
                restart_s, step_s = group.rates_s(step_s)
                costs[key] = restart_s + step_s * group.mean_steps()
                continue
            costs[key] = ratio * group.expected_s
            if group.seen.any() and slower:
                costs[key] = step_s * group.mean_steps()
            if compiled and group.left.any():
                costs[key] = costs[key] + fmean(compiled) / group.left.sum()
        return costs

    @property
    def _slower(self) -> float:
        return max(1.0, self._passed_s / self._worked_s) if self._worked_s else 1.0

    def _batch_costs(self, costs: Mapping[tuple[int, int], np.ndarray]) -> list[float]:
        """Return the seconds that each batch takes that is left."""
        seconds = []
        for (*key, start), left in self._left.items():
            group, of_one = self._groups[key[0], key[1]], costs[key[0], key[1]]
            share = left / (group.stop_of(start) - start)
            seconds.append(self._slower * group.sum_of(of_one, start) * share)
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
