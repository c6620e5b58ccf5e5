"""Every error that a user of the runner can meet, with the exit code of the command line."""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ClusterError",
    "CompileError",
    "ExperimentError",
    "FailuresError",
    "RunnerError",
    "StudyError",
]


class RunnerError(Exception):
    """Something that the user can put right; the message alone must say how."""

    exit_code: ClassVar[int] = 1
    """What `python -m runner` returns to the shell after this error."""


class ExperimentError(RunnerError):
    """The experiment file, a table that it names, or a change to it is wrong."""

    exit_code: ClassVar[int] = 2


class CompileError(RunnerError):
    """An engine cannot compile what an experiment asks for: no restart of it can be trained."""


class StudyError(RunnerError):
    """The study folder belongs to another experiment, is damaged, or is in use."""

    exit_code: ClassVar[int] = 3


class ClusterError(RunnerError):
    """The cluster has no workers, cannot be reached, or runs other versions."""

    exit_code: ClassVar[int] = 4


class FailuresError(RunnerError):
    """More restarts could not be trained than the user allows."""

    exit_code: ClassVar[int] = 5
