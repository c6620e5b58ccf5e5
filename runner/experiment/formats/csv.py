"""Truth tables in CSV and its relatives; every wrong cell is named by line and column."""

from __future__ import annotations

import csv
import itertools
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from runner.errors.messages import counted, printable, shown
from runner.experiment.formats.base import (
    MAX_ROWS,
    TableContent,
    TableProblems,
    TableSource,
)
from runner.experiment.formats.column_choice import ColumnChoice, in_words
from runner.experiment.formats.csv_hints import cell_hint, comment_hint, foreign_hint
from runner.experiment.formats.csv_layout import Layout, found_layout, split
from runner.experiment.formats.target_cells import TargetCells, finite_number
from runner.experiment.formats.text_lines import text_lines

__all__ = ["read_csv", "read_source"]


def read_csv(path: Path, choice: ColumnChoice) -> TableContent:
    """Read a truth table from a file.

    Parameters
    ----------
    path : Path
        UTF-8; cells are separated by commas, semicolons, tabs, bars or spaces, with or without a
        header. Without one, columns are called 1, 2, 3, ..., and the last is the target.
    choice : ColumnChoice
        By default the columns `y`, `y<digits>` and `y_<anything>` are targets, all others inputs;
        both keep the file's order.

    Raises
    ------
    ExperimentError
        With up to 10 problems, a line each: a file that cannot be read, is over `MAX_BYTES` or
        `MAX_ROWS`, or is not UTF-8; a wrong header; a ragged row; a cell that is missing, an input
        that is not a finite number; a target column with a single value, or with numbers and words.

    Notes
    -----
    A row may repeat, also with other targets. The file is read a line at a time.
    """
    return _read(
        text_lines(path, problems := TableProblems(printable(str(path)))), problems, choice
    )


def read_source(source: TableSource, name: str, choice: ColumnChoice) -> TableContent:
    """Read a table that is no file; see `read_csv`."""
    problems = TableProblems(f"{name} (lines as in CSV)")
    return _read(text_lines(source.content, problems), problems, choice, source.has_header)


def _read(
    lines: Iterator[tuple[int, str]],
    problems: TableProblems,
    choice: ColumnChoice,
    has_header: bool | None = None,
) -> TableContent:
    first, second = next(lines, (0, "")), next(lines, (0, ""))
    if not first[0]:
        raise problems.stop("the file is empty; expected a header and at least one row.")
    if first[1].lstrip().startswith("#"):
        raise problems.stop(f"line {first[0]} is {shown(first[1])}; {comment_hint()}")
    if foreign := foreign_hint(first[1], second[1]):
        raise problems.stop(f"line {first[0]} is {shown(first[1])}; {foreign}")
    if has_header is None:
        try:
            layout = found_layout(first[1], second[1], choice)
        except csv.Error as error:
            raise _not_csv(first[0], ",", error, problems) from None
    else:
        layout = Layout(",", has_header)
    rest = itertools.chain([second] if second[0] else [], lines)
    rows = _rows(itertools.chain([first], rest), layout, problems)
    if layout.has_header:
        line, cells = next(rows)
        names = [name.strip() for name in cells]
    else:
        line, names = first[0], list(map(str, range(1, len(split(first[1], layout.separator)) + 1)))
    found = choice.problems(names, f"line {line}", by_place=not layout.has_header)
    for text, hint in found:
        problems.add(text, hint)
    if found:
        raise problems.error()
    return _content(rows, names, layout, problems, choice)


def _content(
    rows: Iterator[tuple[int, list[str]]],
    names: list[str],
    layout: Layout,
    problems: TableProblems,
    choice: ColumnChoice,
) -> TableContent:
    """Read the data rows."""
    inputs, targets = choice.positions(names, by_place=not layout.has_header)
    numbers = array("d")
    columns = [TargetCells(names[i], problems) for i in targets]
    n_rows = 0
    for line, row in rows:
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise problems.stop(f"line {line} is one row too many; expected at most {MAX_ROWS:,}.")
        if len(row) != len(names):
            rule = f"expected {len(names)}, one for each of {in_words(names)}"
            problems.add(f"line {line} has {counted(len(row), 'cell')}; {rule}.")
            continue
        for i in inputs:
            numbers.append(_input(line, names[i], row[i], problems))
        for column, i in zip(columns, targets, strict=True):
            column.add(line, row[i])
    if n_rows == 0:
        problems.add("the file has no data rows; expected at least one row below the header.")
    if problems.total:
        raise problems.error()
    for column, i in zip(columns, targets, strict=True):
        if (values := column.values).min() == values.max() and choice.must_vary:
            problems.add_constant(
                names[i], column.classes[0] if column.classes else float(values[0])
            )
    if problems.total:
        raise problems.error()
    return TableContent(
        np.frombuffer(numbers, dtype=np.float64).reshape(n_rows, len(inputs)),
        np.stack([column.values for column in columns], axis=1),
        tuple(names[i] for i in inputs),
        tuple(names[i] for i in targets),
        tuple(column.classes for column in columns),
        layout.in_words,
    )


def _rows(
    lines: Iterator[tuple[int, str]], layout: Layout, problems: TableProblems
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells)."""
    for line, text in lines:
        try:
            yield line, split(text, layout.separator)
        except csv.Error as error:
            raise _not_csv(line, layout.separator, error, problems) from None


def _not_csv(line: int, separator: str, error: csv.Error, problems: TableProblems) -> Exception:
    cells = "comma-separated cells" if separator == "," else "cells"
    rule = f"expected {cells}, each quote closed on its own line"
    return problems.stop(f"line {line} is not CSV ({error}); {rule}.")


def _input(line: int, name: str, cell: str, problems: TableProblems) -> float:
    """Return an input's number; nan for a wrong cell, which is added to the problems."""
    number = finite_number(cell)
    if number is not None:
        return number
    state = f"is {shown(cell)}" if cell.strip() else "is missing"
    text = f"line {line}, column {printable(name)} {state}; expected a finite number."
    problems.add(text, cell_hint(cell, is_input=True))
    return float("nan")
