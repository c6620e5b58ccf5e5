"""How fast workers do what they do, by their answers; knows no clock."""

from __future__ import annotations

import numpy as np

from runner.dispatch.time_left.task_cost import TaskCost

_MEMORY = 0.5  # share of a run's time so far after which what was measured counts a third


class Pace:
    """Seconds that pass for a worker while it does a second of work.

    They are the load of a machine, of which what was longer ago counts less, as it comes and goes,
    times what a task takes beyond training and compiling, such as its way to the client.
    """

    def __init__(self) -> None:
        self._latest_s: dict[str, float] = {}  # when a worker has answered last
        self._passed_s = self._busy_s = 0.0  # between answers
        self._trained_s = self._worked_s = 0.0  # of late
        self._now_s = 0.0

    def answered(self, cost: TaskCost) -> None:
        """Note that a worker has answered."""
        if cost.worker in self._latest_s:
            self._busy_s += cost.train_s + cost.compile_s
            self._passed_s += cost.now_s - self._latest_s[cost.worker]
        self._latest_s[cost.worker] = cost.now_s
        fresh = np.exp((self._now_s - cost.now_s) / max(_MEMORY * cost.now_s, 1e-9))
        self._trained_s = fresh * self._trained_s + cost.train_s
        self._worked_s = fresh * self._worked_s + cost.work_s
        self._now_s = cost.now_s

    def spent_s(self, now_s: float, workers: int) -> list[float]:
        """Return for how long each of the workers that answered last has been at its task."""
        return [now_s - latest_s for latest_s in sorted(self._latest_s.values())[-workers:]]

    @property
    def value(self) -> float:
        """What it is of late; 1 where nothing is known."""
        load = self._trained_s / self._worked_s if self._worked_s else 1.0
        return float(load * max(1.0, self._passed_s / self._busy_s if self._busy_s else 1.0))
