"""What a sweep does about workers and restarts that misbehave."""

from __future__ import annotations

from dataclasses import dataclass

from runner.errors import ExperimentError


@dataclass(frozen=True)
class Care:
    """The options of `runner.sweep` that say so."""

    deadline_s: float | None = None
    """Longest that a task may train, compilation apart; None for the rule of `Deadlines`."""
    max_failures: int | None = None
    """How many restarts of the study may fail; None for all."""
    audit: float = 0.0
    """Share of the batches, from 0 to 1, that are trained a second time."""
    canary: bool = True
    """Whether workers are compared, on a small batch, before their work is taken."""

    def __post_init__(self) -> None:
        """Raise ExperimentError for the first value that is out of range."""
        problem = ""
        if self.deadline_s is not None and not self.deadline_s > 0:
            problem = f"--deadline is {self.deadline_s}; expected more than 0 seconds."
        elif self.max_failures is not None and self.max_failures < 0:
            problem = f"--max-failures is {self.max_failures}; expected an integer >= 0."
        elif not 0 <= self.audit <= 1:
            problem = f"--audit is {self.audit}; expected a share from 0 to 1."
        if problem:
            raise ExperimentError(problem)
