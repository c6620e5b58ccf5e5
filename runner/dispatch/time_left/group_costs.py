"""What restarts of a group cost, from what some of them have cost so far."""

from __future__ import annotations

import numpy as np

from runner.dispatch.time_left.task_cost import TaskCost
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan

_STEEP = 0.3  # share of the most steps left that a batch must have had to tell what steps take


class GroupCosts:
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
        """Seconds of work that its batches took, without pilots."""
        self.expected_of_seen_s = 0.0
        """Seconds that the plan expects of these."""
        self.compile_s = 0.0
        """The longest that a worker has compiled."""
        self._fit = np.zeros(5)  # of seconds on steps, per restart: the sums of a regression
        self._most_x = 0.0  # steps of a restart, on average, of the batch that has most
        self._piloted = (0.0, 0.0)  # steps and seconds of a restart, on average, of its pilot
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

    def note_pilot(self, cost: TaskCost) -> None:
        """Note the steps of a few restarts, and what they have cost."""
        for number, seen in cost.steps.items():
            self.seen[:, self.place[number]] += seen
        x, y = self._piloted = self._per_restart(cost)
        self._dearest_s = min(self._dearest_s, y / max(x, 1e-9))

    def note(self, cost: TaskCost) -> None:
        """Note what some of its restarts have cost."""
        before, (x, y) = self._piloted, self._per_restart(cost)
        self.note_pilot(cost)
        self._piloted = before
        self._most_x = max(self._most_x, x)
        self._fit += np.array([1, x, x * x, y, x * y]) / (y * y)  # times are off by shares
        self.trained_s += max(cost.work_s, 1e-9)  # a coarse clock may have seen none
        self.expected_of_seen_s += sum(
            n * self.expected_s[self.place[number]] for number, (n, _) in cost.steps.items()
        )
        self.compile_s = max(self.compile_s, cost.compile_s)

    @staticmethod
    def _per_restart(cost: TaskCost) -> tuple[float, float]:
        """Return steps and seconds per restart of a task."""
        n = sum(restarts for restarts, _ in cost.steps.values())
        steps = sum(steps for _, steps in cost.steps.values())
        return steps / n, max(cost.work_s, 1e-9) / n

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
        the pilot took beyond the batches, which is less sure, as that was a short task.
        """
        n, x, xx, y, xy = self._fit
        spread = n * xx - x * x
        steps, seconds = self._piloted
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
