"""Given starts: a table of weights in a CSV or Parquet file, or in a pandas frame."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import counted, printable, shown
from runner.errors.paths import local_path, why_no_file
from runner.experiment.formats.base import MAX_BYTES, TableSource

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

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
        If it cannot be read, has more than `MAX_NUMBERS` numbers, or two columns of one name.
    """
    import pyarrow as pa  # takes a while to load

    path = directory / local_path(name, ExperimentError, "file")
    where = printable(str(path))
    try:
        if given is None and (state := why_no_file(path)):
            message = f"{where}: the file {state}; expected starts in CSV or Parquet (init.table)."
            raise ExperimentError(message)
        table = _table(path if given is None else given.content, where)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = printable(str(error).partition("\n")[0][:200])
        message = f"{where}: the file of starts cannot be read: {reason}{_quotes(path, given)}"
        raise ExperimentError(message) from None
    _check_size(table.num_rows, table.num_columns, where)
    return {column: table.column(column).to_pylist() for column in table.column_names}


def _table(source: Path | bytes, where: str) -> pa.Table:
    """Return the columns of numbers; no more than `MAX_BYTES`, or `MAX_NUMBERS`, are read."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    if isinstance(source, bytes):
        content = source
    elif source.suffix.lower() == ".parquet":
        if source.stat().st_size > MAX_BYTES:
            raise _too_large(where)
        with parquet.ParquetFile(source) as file:
            names = _numeric(file.schema_arrow, where)
            _check_size(_most_rows(file.metadata, set(names)), len(names), where)
            return file.read(columns=names)
    else:
        with pa.input_stream(str(source), compression="detect") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _too_large(where)
    table = csv.read_csv(io.BytesIO(content))
    return table.select(_numeric(table.schema, where))


def _most_rows(footer: parquet.FileMetaData, names: set[str]) -> int:
    """Return how many rows Arrow would read of columns: what their footers say, if not the same."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    columns = ([group.column(c) for c in range(group.num_columns)] for group in groups)
    chosen = ([c.num_values for c in row if c.path_in_schema in names] for row in columns)
    return max(int(footer.num_rows), sum(max(values, default=0) for values in chosen))


def _numeric(schema: pa.Schema, where: str) -> list[str]:
    """Return the names of the columns of numbers; refuse a name of two columns, of any kind."""
    import pyarrow as pa

    kinds = (pa.types.is_integer, pa.types.is_floating)
    names = [field.name for field in schema if any(of_kind(field.type) for of_kind in kinds)]
    of_all = Counter(schema.names)
    spelt = Counter(name.translate(_PLAIN) for name in names)
    for name in names:
        if of_all[name] > 1:
            message = f"{where}: the file names column {shown(name)} {of_all[name]} times; "
            raise ExperimentError(f"{message}expected once.")
        if (plain := name.translate(_PLAIN)) != name and spelt[plain] > 1:
            message = f"{where}: the file has the columns {shown(name)} and {shown(plain)}; "
            raise ExperimentError(f"{message}expected one of the two, as both mean one weight.")
    return names


def _check_size(n_rows: int, n_columns: int, where: str) -> None:
    if n_rows * n_columns > MAX_NUMBERS:
        message = f"{where}: the file has {counted(n_rows, 'row')} and "
        message += f"{counted(n_columns, 'column')}; expected at most {MAX_NUMBERS:,} numbers."
        raise ExperimentError(message)


def _too_large(where: str) -> ExperimentError:
    return ExperimentError(f"{where}: the file is too large; expected at most {MAX_BYTES:,} bytes.")


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
