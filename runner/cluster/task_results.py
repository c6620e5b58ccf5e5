"""What comes back from a worker: what a task returned or the exception that it raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runner.errors import ClusterError, CompileError, ExperimentError, RunnerError


@dataclass(frozen=True)
class TaskResult:
    """The outcome of one task that has run on a worker."""

    worker: str
    """Address of the worker; empty if it is not known, or not to be blamed."""
    value: Any = None
    """What the function returned, if it did."""
    reason: str = ""
    """The exception that it raised, in one line; empty if it raised none."""
    traceback: str = ""
    """Where it was raised."""
    refused: bool = False
    """Whether the worker is not fit for the task, which is not to blame then."""
    error: RunnerError | None = None
    """The exception, if it would be raised for every task like this one, on every worker: the
    experiment is wrong, or cannot be compiled."""


def run_task(function: Callable[..., Any], *arguments: Any) -> TaskResult:
    """Call a function on a Dask worker.

    Notes
    -----
    An exception comes back as data: Dask itself would not say on which worker it was raised, and
    some cannot be pickled.
    """
    from distributed import get_worker

    worker = str(get_worker().address)
    try:
        return TaskResult(worker, function(*arguments))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        refused = isinstance(error, ClusterError | ImportError)
        hopeless = error if isinstance(error, CompileError | ExperimentError) else None
        return TaskResult(worker, None, reason, traceback.format_exc(), refused, hopeless)
