"""Tables that a program has in its hands: DataFrames and arrays in place of a file's path."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.formats.base import TableSource

__all__ = ["take_tables"]

_PATHS: Final = ("problem.table", "problem.held_out", "init.table")


def take_tables(data: Mapping[str, Any], given: dict[str, TableSource]) -> dict[str, Any]:
    """Return an experiment's data with names in place of tables.

    Parameters
    ----------
    data : mapping
        An experiment, or changes or a grid by dotted path. `problem.table` and `problem.held_out`
        may be a pandas DataFrame, or an array (n_patterns, n_columns) whose last column is the
        target; `init.table` a DataFrame.
    given : dict of str to TableSource
        The tables are added, each by a name that says what is in it.

    Raises
    ------
    ExperimentError
        If an array has other than two dimensions.
    """
    taken = dict(data)
    own = [path.split(".") for path in _PATHS]
    for section, key in (*own, *(("grid", path) for path in _PATHS)):
        if isinstance(fields := taken.get(section), Mapping) and key in fields:
            taken[section] = {**fields, key: _named(fields[key], given)}
    for path in _PATHS:
        if path in taken:
            taken[path] = _named(taken[path], given)
    return taken


def _named(value: Any, given: dict[str, TableSource]) -> Any:
    """Return a table's name, or those of several in a list; anything else as it is."""
    if isinstance(value, list | tuple):
        return [_named(each, given) for each in value]
    if isinstance(value, np.ndarray):
        kind, source = "array", _of_array(value)
    elif hasattr(value, "to_csv") and hasattr(value, "columns"):
        kind, source = "DataFrame", _of_frame(value)
    else:
        return value
    name = f"{kind}-{hashlib.sha256(source.content).hexdigest()[:12]}"
    given[name] = source
    return name


def _of_array(array: np.ndarray) -> TableSource:
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        state = f"an array of shape {shown(list(array.shape))} of {array.dtype}"
        rule = "expected numbers in rows and columns, the last column the target"
        message = f"experiment: problem.table is {state}; {rule}."
        raise ExperimentError(message)
    text = "".join(",".join(map(repr, row)) + "\n" for row in array.astype(np.float64).tolist())
    return TableSource(text.encode(), has_header=False)


def _of_frame(frame: Any) -> TableSource:
    # Of float32, the digits that make the same float32 again are not those of the same number.
    kinds = {name: np.float64 for name, kind in frame.dtypes.items() if kind == np.float32}
    kinds |= {name: np.int64 for name, kind in frame.dtypes.items() if kind == np.bool_}
    text = io.StringIO()
    frame.astype(kinds).to_csv(text, index=False)
    return TableSource(text.getvalue().encode(), has_header=True)
