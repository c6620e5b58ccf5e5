"""A table of a study in one file, or its restarts as arrays, for other programs."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from runner.errors import StudyError
from runner.errors.messages import listed, nearest, printable, shown
from runner.errors.paths import local_path
from runner.study import array_files, files
from runner.study.array_files import FORMATS as ARRAY_FORMATS
from runner.study.matrices import MOST_COLUMNS
from runner.study.parameters import n_columns
from runner.study.tables.table_names import TABLES
from runner.training.column_names import distinct, plain_name

if TYPE_CHECKING:
    from runner.study.study import Study

TABLE_FORMATS: Final = {
    "csv": ".csv",
    "json": ".json",
    "markdown": ".md",
    "latex": ".tex",
    "parquet": ".parquet",
}
"""Formats of an exported table, with the ending of their files."""

FORMATS: Final = {**TABLE_FORMATS, **ARRAY_FORMATS}
"""Those, and the formats of restarts as arrays."""

ENDINGS: Final = (*FORMATS.values(),)
"""What the name of the file may end in."""


def export_table(
    study: Study,
    to: str | Path | IO[bytes],
    table: str = "restarts",
    form: str | None = None,
    configurations: Collection[int] | None = None,
) -> int:
    """Write a table to one file, or the restarts as arrays.

    Columns have names of letters, digits and underscores: ``W1_0_1``, ``problem_gate``. Networks of
    more than `runner.study.matrices.MOST_COLUMNS` weights have a column of lists for each array
    of parameters, as shards have, in place of one for each weight, if it is a Parquet file.

    Parameters
    ----------
    study : Study
    to : str, Path or binary file
        A file at this path is replaced, whole or not at all.
    table : str
        One of `runner.study.tables.table_names.TABLES`. Restarts come with their final weights.
    form : str, optional
        One of `FORMATS`; by default the ending of ``to`` chooses it. For netCDF and Zarr see
        `runner.study.array_files.export_arrays`; they take no other table than restarts.
    configurations : collection of int, optional
        The only ones to write; by default all. Of `Study.comparisons` the rows between them.

    Returns
    -------
    int
        Number of rows, or of restarts.

    Raises
    ------
    StudyError
        If there is no such table or format, the file cannot be written, the study is damaged, or
        the networks are too large for a column each.
    """
    if table not in TABLES:
        message = f"table is {shown(table)}; expected one of {listed(TABLES)}."
        raise StudyError(f"{message}{nearest(table, TABLES)}")
    path = local_path(to, StudyError, "file") if isinstance(to, str | Path) else None
    form = form or next((f for f in FORMATS if path and path.suffix == FORMATS[f]), None)
    if form not in FORMATS:
        where = printable(str(path))
        message = f"{where}: expected a name that ends in {' or '.join(ENDINGS)}."
        raise StudyError(message)
    if form in ARRAY_FORMATS:
        if table != "restarts":
            message = f"table is {shown(table)}; expected restarts, of which arrays are, as {form}."
            raise StudyError(message)
        return array_files.export_arrays(study, path or cast("IO[bytes]", to), form, configurations)
    rows = _chosen(_rows(study, table, lists=form == "parquet"), configurations)
    if path is None:
        _write(rows, cast("IO[bytes]", to), form)
        return len(rows)
    try:
        with files.replacing(path) as temporary, temporary.open("wb") as file:
            _write(rows, file, form)
    except OSError as error:
        raise array_files.not_written(path, error) from error
    return len(rows)


def _rows(study: Study, table: str, *, lists: bool) -> pd.DataFrame:
    """Return a table; the weights of large networks in lists, if a file can hold any."""
    rows: pd.DataFrame = getattr(study, table)
    if table == "restarts":
        large = lists and n_columns(study.plan) > MOST_COLUMNS
        rows = rows.join(study.array_lists() if large else study.weights)
    if rows.index.names != [None]:
        rows = rows.reset_index()
    return rows.set_axis(distinct(map(plain_name, rows.columns)), axis="columns")


def _chosen(rows: pd.DataFrame, configurations: Collection[int] | None) -> pd.DataFrame:
    if configurations is None:
        return rows
    names = [name for name in ("configuration", "a", "b") if name in rows]
    for name in names[:1] if names[:1] == ["configuration"] else names:
        rows = rows[rows[name].isin(configurations)]
    return rows


def _write(rows: pd.DataFrame, file: IO[bytes], form: str) -> None:
    if form == "csv":
        _with_texts(rows).to_csv(file, index=False)
    elif form == "parquet":
        buffer = io.BytesIO()  # it seeks, which a pipe cannot
        rows.to_parquet(buffer, index=False)
        file.write(buffer.getbuffer())
    else:
        file.write(_text(rows, form).encode())


def _text(rows: pd.DataFrame, form: str) -> str:
    if form == "json":
        return json_text(rows)
    rows = _with_texts(rows)
    if form == "latex":
        return rows.to_latex(index=False, escape=True, na_rep="", float_format=repr)
    lines = [[*rows.columns], ["---"] * rows.shape[1]]
    lines += rows.astype(object).where(rows.notna(), "").values.tolist()
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def json_text(rows: pd.DataFrame) -> str:
    """Return rows as JSON, an object each: numbers with all digits, null for what is missing."""
    columns = [map(_of_json, rows[name].astype(object)) for name in rows]
    records = [dict(zip(rows, row, strict=True)) for row in zip(*columns, strict=True)]
    return f"{json.dumps(records, indent=1, allow_nan=False)}\n"


def _of_json(value: Any) -> object:
    """Return a cell as JSON has it, which knows no number that is not finite."""
    if _is_list(value):
        return [*map(_of_json, value)]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _with_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with lists as texts, as JSON has them: their own would be cut and rounded."""
    lists = {
        str(name): rows[name].map(lambda v: json.dumps(_of_json(v)) if _is_list(v) else v)
        for name in rows
        if rows[name].dtype == object and rows[name].map(_is_list).any()
    }
    return rows.assign(**lists)


def _is_list(value: object) -> bool:
    return isinstance(value, np.ndarray | list | tuple)


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
