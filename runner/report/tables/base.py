"""What a table of a report is, for who adds one.

A table is a `TableFunction` in a file of this folder, and a place in
`runner.report.tables.order.TABLES`. The function returns rows as they stand in the study, or None
where they mean nothing for this study: a report is written of unfinished and of empty studies too,
and a table without rows is left out. Columns ``configuration``, ``a`` and ``b`` hold positions in
the grid; readers see titles in their place. Numbers stay numbers: readers can sort by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from runner.report.landscape_tables import Landscape
from runner.report.numbers import number, percent

if TYPE_CHECKING:
    from runner.study.study import Study

MOST_ROWS = 100
"""Rows of a table in the report."""

_TITLED = ("configuration", "a", "b")


@dataclass(frozen=True)
class TableRows:
    """What a table shows, before it is text."""

    name: str
    """Its property of `Study`, and its name in links."""
    title: str
    """A heading."""
    note: str
    """What it holds."""
    frame: pd.DataFrame
    """The rows."""
    shares: tuple[str, ...] = ()
    """Columns that are shares: shown in percent, sorted by as they stand in the study."""


@dataclass(frozen=True)
class TableCell:
    """One cell."""

    text: str
    """As it is read."""
    value: str | None
    """The number to sort by, in full; None for text."""


@dataclass(frozen=True)
class Table:
    """One table as the page shows it."""

    name: str
    """Its name in links."""
    title: str
    """A heading."""
    note: str
    """What it holds, and how much of it is shown."""
    columns: list[str]
    """Their names."""
    rows: list[list[TableCell]]
    """As many cells each as there are columns."""


TableFunction: TypeAlias = "Callable[[Study, Landscape], TableRows | None]"
"""Returns the rows of one table."""


def as_text(table: TableRows, titles: Mapping[int, str]) -> Table:
    """Return a table as the page shows it, with the configurations' titles."""
    shown, note = table.frame.head(MOST_ROWS), table.note
    if len(shown) < len(table.frame):
        rows = f"The first {len(shown):,} of {len(table.frame):,} rows"
        note += f" {rows}; all: study.{table.name} in Python."
    for column in _TITLED:
        if column in shown:
            shown = shown.assign(**{column: [titles[int(i)] for i in shown[column]]})
    are_shares = [str(column) in table.shares for column in shown.columns]
    cells = [
        [_cell(value, share) for value, share in zip(row, are_shares, strict=True)]
        for row in shown.itertuples(index=False)
    ]
    columns = [str(column).replace("_", " ") for column in shown.columns]
    return Table(table.name, table.title, note, columns, cells)


def _cell(value: object, share: bool) -> TableCell:
    if isinstance(value, bool | np.bool_):
        return TableCell("yes" if value else "no", None)
    if value is None or value is pd.NA or value is pd.NaT:
        return TableCell("", None)
    if isinstance(value, int | float | np.number):
        real = float(value)
        if math.isnan(real):
            return TableCell("", "NaN")
        return TableCell(percent(real) if share else number(real), f"{real!r}")
    return TableCell(str(value), None)
