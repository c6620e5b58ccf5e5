"""What comes back from a worker: a task's result or its exception, and who sent it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runner.errors import ClusterError


@dataclass(frozen=True)
class Answer:
    """The outcome of one task."""

    worker: str
    """Address of the worker."""
    result: Any = None
    """What the function returned, if it did."""
    reason: str = ""
    """The exception that it raised, in one line."""
    traceback: str = ""
    """Where it was raised."""
    refused: bool = False
    """Whether the worker is not fit for the task, which is not to blame then."""


def answer(function: Callable[..., Any], *arguments: Any) -> Answer:
    """Call a function on a Dask worker.

    Notes
    -----
    An exception comes back as data: Dask itself would not say on which worker it was raised, and
    some cannot be pickled.
    """
    from distributed import get_worker

    worker = str(get_worker().address)
    try:
        return Answer(worker, function(*arguments))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        refused = isinstance(error, ClusterError | ImportError)
        return Answer(worker, None, reason, traceback.format_exc(), refused)
