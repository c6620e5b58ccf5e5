"""Given starts: a table of weights in a CSV or Parquet file, or in a pandas frame."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import counted, printable, shown
from runner.errors.paths import local_path
from runner.experiment.formats.base import TableSource

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration

MAX_NUMBERS: Final = 1_000_000
"""Most rows times columns of given starts, all of which are stored with the plan."""

_MOST_NAMES: Final = 8
_BARE: Final = re.compile(rb"(^|,)\s*\w+\[\d+,\d+\]")
_PLAIN: Final = str.maketrans({"[": "_", ",": "_", "]": None})

Columns = Mapping[str, Sequence[float]]
"""Numbers by the name of their column."""


def read_starts(
    name: str, directory: Path, given: TableSource | None = None
) -> dict[str, list[Any]]:
    """Read the columns of numbers of a file.

    Parameters
    ----------
    name : str
        Its path; a name that ends in ``.parquet`` is a Parquet file, any other is CSV.
    directory : Path
        Where a relative path starts.
    given : TableSource, optional
        What is read in place of a file.

    Raises
    ------
    ExperimentError
        If it cannot be read, or has more than `MAX_NUMBERS` numbers.
    """
    import pyarrow as pa
    from pyarrow import csv, parquet  # takes a while to load

    path = directory / local_path(name, ExperimentError, "file")
    where = printable(str(path))
    try:
        if given is not None:
            table = csv.read_csv(io.BytesIO(given.content))
        elif path.suffix.lower() == ".parquet":
            table = parquet.read_table(path)
        else:
            table = csv.read_csv(path)
    except FileNotFoundError:
        message = (
            f"{where}: the file does not exist; expected starts in CSV or Parquet (init.table)."
        )
        raise ExperimentError(message) from None
    except (OSError, pa.ArrowException) as error:
        reason = printable(str(error).partition("\n")[0][:200])
        message = f"{where}: the file of starts cannot be read: {reason}{_quotes(path, given)}"
        raise ExperimentError(message) from None
    numeric = [
        field.name
        for field in table.schema
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    ]
    if table.num_rows * len(numeric) > MAX_NUMBERS:
        message = f"{where}: the file has {counted(table.num_rows, 'row')} and "
        message += f"{counted(len(numeric), 'column')}; expected at most {MAX_NUMBERS:,} numbers."
        raise ExperimentError(message)
    return {column: table.column(column).to_pylist() for column in numeric}


def _quotes(path: Path, given: TableSource | None) -> str:
    """What to do about names such as W1[0,1] without quotes, whose commas CSV takes for its own."""
    if given is not None or path.suffix.lower() == ".parquet":
        return ""
    with path.open("rb") as file:
        header = file.readline(1_000_000)
    if not _BARE.search(header):
        return ""
    return '. Its names have commas: write W1_0_1, or "W1[0,1]" in quotes.'


def count_starts(name: str | None, directory: Path, given: Mapping[str, TableSource]) -> int:
    """Count the rows of `read_starts`; 1 where there is no file, but one start."""
    if name is None:
        return 1
    columns = read_starts(name, directory, given.get(name))
    return max((len(column) for column in columns.values()), default=0)


def rows_of(columns: Columns, names: Sequence[str], where: str) -> np.ndarray:
    """Return starts, a row for each.

    Parameters
    ----------
    columns : mapping
        Numbers by column: ``W1[0,1]``, or ``W1_0_1`` as exports have it. Others are left aside.
    names : sequence of str
        The network's parameters in storage order.
    where : str
        What messages call the columns' source.

    Returns
    -------
    ndarray, shape (n_rows, n_parameters), float64

    Raises
    ------
    ExperimentError
        If a parameter has no column, a number is missing or not finite, or there is no row.
    """
    spelt = {name: name if name in columns else name.translate(_PLAIN) for name in names}
    missing = [name for name, column in spelt.items() if column not in columns]
    if missing:
        message = f"{where}: the starts have no numbers for {_some(missing)}; expected a column "
        message += f"of numbers for each of {_some(names)}."
        raise ExperimentError(message)
    rows = np.array([columns[spelt[name]] for name in names], np.float64).T
    if not len(rows):
        message = f"{where}: the starts have no row; expected one for each restart."
        raise ExperimentError(message)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = bad[0]
        value = shown(float(rows[row, column]))
        message = f"{where}: {names[column]} in row {row + 1} is {value}; expected a finite number."
        raise ExperimentError(message)
    return np.ascontiguousarray(rows + 0.0)


def check_rows(name: str, n: int, configurations: Sequence[Configuration]) -> None:
    """Refuse to train the same start twice, unless noise or orders of patterns tell them apart.

    Parameters
    ----------
    name : str
        What messages call the experiment.
    n : int
        Restarts of each configuration.
    configurations : sequence of Configuration

    Raises
    ------
    ExperimentError
        If there are not as many restarts as given starts.
    """
    for c in configurations:
        if c.given is None or c.given.noise or c.settings.training.order == "shuffled":
            continue
        if n != (rows := len(c.given.rows)):
            message = (
                f"{name}: restarts is {n:,}; expected {rows:,}, as many as there are "
                "given starts. Leave restarts out, or set init.noise."
            )
            raise ExperimentError(message)


def _some(names: Sequence[str]) -> str:
    left = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {left} more" if left > 0 else "")
