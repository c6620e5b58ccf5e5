"""What a task has cost that a worker has just answered: seconds of training, steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TaskCost:
    """What a task has cost that a worker has just answered."""

    worker: str
    """Address."""
    train_s: float
    """Seconds of training, by the clock."""
    work_s: float
    """Seconds of processors that it took; of a GPU, by the clock."""
    compile_s: float
    """Seconds of compiling, or of looking up what is compiled."""
    now_s: float
    """When, in seconds of the run."""
    steps: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Restarts and the sum of their steps, by number of the configuration."""

    @classmethod
    def of(cls, worker: str, told: Sequence[Mapping[str, Any]], now_s: float) -> TaskCost:
        """Return what a task has cost by the telemetry of its batches."""
        steps: dict[int, tuple[int, int]] = {}
        for each in told:
            for number, (n, steps_of) in each["steps"].items():
                before = steps.get(number, (0, 0))
                steps[number] = (before[0] + n, before[1] + steps_of)
        work_s = sum(each["cpu_s" if each["device"] == "cpu" else "train_s"] for each in told)
        train_s, compile_s = (sum(each[name] for each in told) for name in ("train_s", "compile_s"))
        return cls(worker, train_s, work_s, compile_s, now_s, steps)
