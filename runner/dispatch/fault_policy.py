"""What a sweep does about workers and restarts that misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from runner.errors import ExperimentError
from runner.errors.keywords import is_integer, is_number


@dataclass(frozen=True)
class FaultPolicy:
    """What a sweep does about restarts that fail or hang, and about workers that err.

    Examples
    --------
    >>> FaultPolicy(max_failures=0, audit=0.01).canary
    True
    >>> FaultPolicy(audit=2)
    Traceback (most recent call last):
    runner.errors.exceptions.ExperimentError: audit (--audit) is 2; expected a share from 0 to 1.
    """

    deadline_s: float | None = None
    """Seconds that a task may train, compilation apart, before its worker is given up and
    restarted; by default a rule on how long others took, see
    `runner.dispatch.tasks.deadlines.Deadlines`."""
    max_failures: int | None = None
    """How many restarts of the study may fail before the sweep stops; by default all."""
    audit: float = 0.0
    """Share of the batches, from 0 to 1, that are trained again on another worker and compared."""
    canary: bool = True
    """Whether every worker has to give the first one's bits, on a small batch, before its results
    are accepted."""

    def __post_init__(self) -> None:
        """Raise ExperimentError for the first value that is out of range."""
        problem = ""
        deadline, most = self.deadline_s, self.max_failures
        if deadline is not None and not (is_number(deadline) and deadline > 0):
            problem = f"deadline_s (--deadline) is {deadline!r}; expected more than 0 seconds."
        elif most is not None and not (is_integer(most) and most >= 0):
            problem = f"max_failures (--max-failures) is {most!r}; expected an integer >= 0."
        elif not (is_number(self.audit) and 0 <= self.audit <= 1):
            problem = f"audit (--audit) is {self.audit!r}; expected a share from 0 to 1."
        if problem:
            raise ExperimentError(problem)


class FaultKeywords(TypedDict, total=False):
    """The fields of `FaultPolicy` as loose keywords of a public function."""

    deadline_s: float | None
    max_failures: int | None
    audit: float
    canary: bool
