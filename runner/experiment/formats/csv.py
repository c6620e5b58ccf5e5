"""Truth tables in CSV; every wrong cell is named by line and column."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from runner.errors.messages import counted, printable, shown
from runner.experiment.formats.base import MAX_BYTES, MAX_ROWS, TableContent, TableProblems
from runner.experiment.formats.csv_hints import (
    cell_hint,
    is_workbook,
    name_hint,
    separator_hint,
    target_hint,
)

__all__ = ["read_csv"]

_MAX_LINE: Final = 2**20  # bytes
_TARGET: Final = re.compile(r"y(\d*|_.*)", re.ASCII)
_FINITE: Final = "a finite number"


def read_csv(path: Path) -> TableContent:
    """Read a truth table from a CSV file.

    Parameters
    ----------
    path : Path
        UTF-8, comma-separated, with a header. The columns `y`, `y<digits>` and `y_<anything>` are
        targets, all others are inputs; both keep the file's order.

    Raises
    ------
    ExperimentError
        With up to 10 problems, a line each: a file that cannot be read, is over `MAX_BYTES` or
        `MAX_ROWS`, or is not UTF-8; a wrong header; a ragged row; a cell that is missing or not a
        finite number; a target column with a single value.

    Notes
    -----
    A row may repeat, also with other targets. The file is read a line at a time.
    """
    problems = TableProblems(printable(str(path)))
    rows = _rows(path, problems)
    line, names = next(rows, (0, []))
    if not names:
        raise problems.stop("the file is empty; expected a header and at least one row.")
    names = [name.strip() for name in names]
    _check_header(line, names, rows, problems)

    cells = array("d")
    n_rows = 0
    for line, row in rows:
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise problems.stop(f"line {line} is one row too many; expected at most {MAX_ROWS:,}.")
        if len(row) != len(names):
            rule = f"expected {len(names)}, one for each of {_columns(names)}"
            problems.add(f"line {line} has {counted(len(row), 'cell')}; {rule}.")
        else:
            cells.extend(_numbers(line, row, names, problems))
    if n_rows == 0:
        problems.add("the file has no data rows; expected at least one row below the header.")
    if problems.total:
        raise problems.error()

    table = np.frombuffer(cells, dtype=np.float64).reshape(n_rows, len(names))
    is_target = np.array([_TARGET.fullmatch(name) is not None for name in names])
    for name, column in zip(names, table.T, strict=True):
        if _TARGET.fullmatch(name) and column.min() == column.max():
            problems.add(
                f"column {printable(name)} is {float(column[0])!r} in every row; "
                "a truth table needs two different target values."
            )
    if problems.total:
        raise problems.error()
    return TableContent(
        table[:, ~is_target],
        table[:, is_target],
        tuple(name for name in names if not _TARGET.fullmatch(name)),
        tuple(name for name in names if _TARGET.fullmatch(name)),
    )


def _rows(path: Path, problems: TableProblems) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of every line that is not blank."""
    try:
        if not path.is_file():
            what = "is not a regular file" if path.exists() else "does not exist"
            raise problems.stop(f"the file {what}; expected a CSV table (problem.table).")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise problems.stop(f"the file has {size:,} bytes; expected at most {MAX_BYTES:,}.")
        with path.open("rb") as file:
            for line, raw in enumerate(iter(lambda: file.readline(_MAX_LINE + 1), b""), start=1):
                if line == 1 and is_workbook(raw):
                    raise problems.stop("the file is a workbook; expected text. Save it as CSV.")
                if len(raw) > _MAX_LINE:
                    raise problems.stop(f"line {line} is over {_MAX_LINE:,} bytes long.")
                cells = _cells(line, raw, problems)
                if cells:
                    yield line, cells
    except (OSError, ValueError) as error:
        raise problems.stop(f"the file cannot be read: {_reason(error)}.") from None


def _cells(line: int, raw: bytes, problems: TableProblems) -> list[str]:
    """Split one line; an empty list for a blank one."""
    try:
        text = raw.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        byte = shown(raw[error.start : error.start + 1])
        text = f"line {line} holds the byte {byte}; expected UTF-8 text. Save it as UTF-8."
        raise problems.stop(text) from None
    if "\0" in text:
        raise problems.stop(f"line {line} holds a NUL character; expected UTF-8 text.")
    if "\r" in text:
        raise problems.stop(f"line {line} holds a bare carriage return; expected LF or CRLF.")
    if not text.strip():
        return []
    try:
        # A line at a time, so that an unclosed quote is found where it stands.
        return next(csv.reader([text], strict=True, skipinitialspace=True))
    except csv.Error as error:
        rule = "expected comma-separated cells, each quote closed on its own line"
        raise problems.stop(f"line {line} is not CSV ({error}); {rule}.") from None


def _check_header(
    line: int, names: list[str], rows: Iterator[tuple[int, list[str]]], problems: TableProblems
) -> None:
    """Add what is wrong with the column names; raise where the columns stay unknown."""
    before = problems.total
    if all(_number(name) is not None for name in names):
        raise problems.stop(
            f"line {line} holds only numbers; expected a header, such as a,b,y. Put one above it: "
            "y, y1, ... for targets, other names for inputs."
        )
    step = separator_hint(names, next(rows, (0, []))[1], problems.where) if len(names) == 1 else ""
    if step:
        text = f"line {line} is {shown(names[0])}; expected commas between cells."
        raise problems.stop(f"{text} {step}.")
    for position, name in enumerate(names, start=1):
        if not name:
            hint = name_hint(position, len(names))
            problems.add(f"line {line}, column {position} has no name; expected one.{hint}")
    for name, count in Counter(filter(None, names)).items():
        if count > 1:
            problems.add(f"line {line} names column {shown(name)} {count} times; expected once.")
    n_targets = sum(_TARGET.fullmatch(name) is not None for name in names)
    if n_targets == 0:
        rule = "expected a target column named y, y<digits> or y_<name>"
        hint = target_hint(names)
        problems.add(f"line {line} names the columns {_columns(names)}; {rule}.{hint}")
    if n_targets == len(names):
        rule = "expected an input column, with a name not of the form y, y<digits>, y_<name>"
        problems.add(f"line {line} names the columns {_columns(names)}; {rule}.")
    if problems.total > before:
        raise problems.error()


def _numbers(
    line: int, row: list[str], names: list[str], problems: TableProblems
) -> Iterator[float]:
    """Yield the row's numbers; nan for a wrong cell, which is added to the problems."""
    for name, cell in zip(names, row, strict=True):
        number = _number(cell)
        if number is None:
            state = f"is {shown(cell)}" if cell.strip() else "is missing"
            hint = cell_hint(cell, _TARGET.fullmatch(name) is not None)
            text = f"line {line}, column {printable(name)} {state}; expected {_FINITE}."
            problems.add(text, hint)
            number = math.nan
        yield number


def _number(cell: str) -> float | None:
    """Return the finite number that a cell holds; Python's own `1_000` is not one."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell and cell.isascii() else None


def _columns(names: list[str]) -> str:
    shown_names = [printable(name[:40]) for name in names[:8]]
    return ", ".join(shown_names) + (", ..." if len(names) > 8 else "")


def _reason(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
