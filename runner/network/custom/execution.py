"""The only place that executes a user's file, and only where the client asked for it."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from runner.errors import ExperimentError
from runner.errors.messages import printable, shown
from runner.network.custom.model import CustomModel, untrusted

RETURNS = "(loss, outputs)"
"""What a model's function returns."""


class WrongReturn(Exception):
    """What the function returned does not fit; to be raised within `errors_explained`."""

    def __init__(self, state: str, rule: str) -> None:
        super().__init__(f"{state}; expected {rule}")


def load_function(model: CustomModel) -> Callable[..., object]:
    """Execute the file, and return its function.

    Raises
    ------
    ExperimentError
        If the client does not trust it, or executing it raises.
    """
    if not model.is_trusted:
        raise untrusted(model.name)
    # so that tracebacks show its lines, also where there is no such file
    lines = model.source.splitlines(keepends=True)
    linecache.cache[model.file] = len(model.source), None, lines, model.file
    namespace: dict[str, Any] = {"__name__": "model", "__file__": model.file}
    with errors_explained(model):
        exec(compile(model.source, model.file, "exec"), namespace)  # noqa: S102
        function: Callable[..., object] = namespace[model.function]
    return function


@contextmanager
def errors_explained(model: CustomModel) -> Iterator[None]:
    """Turn what the file raises into an ExperimentError with its line."""
    where = printable(model.name)
    try:
        yield
    except WrongReturn as error:
        message = f"{where}: {error}. Fix the function."
        raise ExperimentError(message) from None
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == model.file]
        line = f"line {lines[-1]} raises" if lines else "it raises"
        reason = shown(str(error))[1:-1]
        message = (
            f"{where}: {line} {type(error).__name__}: {reason}; expected {RETURNS}. "
            "Fix the function."
        )
        raise ExperimentError(message) from error
