"""What can go wrong, in words: every error that a user can meet, and the pieces of its message.

Comes in: values, names, keywords and paths that users give. Goes out: how a message shows them and
what was probably meant, or an error with its exit code. Knows nothing else of the package, no field
of an experiment either; every other room may use it.
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
