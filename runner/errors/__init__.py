"""What can go wrong, in words: every error that a user can meet, and the wording they share.

Comes in: a field, a value, a rule. Goes out: one line, with what was probably meant, and an exit
code. Knows nothing else of the package; every other room may use it.
"""

from runner.errors.exceptions import (
    ClusterError,
    CompileError,
    ExperimentError,
    FailuresError,
    RunnerError,
    StudyError,
)

__all__ = [
    "ClusterError",
    "CompileError",
    "ExperimentError",
    "FailuresError",
    "RunnerError",
    "StudyError",
]
