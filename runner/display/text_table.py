"""Tables for a terminal of any width, in which no number is ever broken.

What does not fit is made to fit in this order:

1. columns stand one space apart, and names of columns and texts go on below at spaces;
2. columns are left out, those of the largest `Column.left_out` first, and named below the table;
3. every row becomes a record, a line for each column; then nothing is left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from runner.errors.messages import printable


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    """Its heading."""
    cells: Sequence[str]
    """One for each row."""
    is_text: bool = False
    """Texts stand on the left and may go on below; all others on the right, whole."""
    left_out: int = 0
    """Rank among the columns that may be left out, the largest first; 0 for those that stay."""


def table_text(columns: Sequence[Column], width: int | None) -> Text:
    """Return a table for lines of at most ``width`` cells; None for as wide as it is.

    A number, or a word of a text, that is wider than that by itself is whole all the same.
    """
    columns = [replace(c, cells=[printable(cell) for cell in c.cells]) for c in columns]
    if width is None or _fits(columns, [_natural(c) for c in columns], 2, width):
        return _grid(columns, [_natural(c) for c in columns], 2)
    shown = list(columns)
    while True:
        if widths := _squeezed(shown, width):
            text = _grid(shown, widths, 1)
            gone = [c.name for c in columns if c not in shown]
            if gone:
                note = f"(no room for: {', '.join(gone)})"
                text.append("\n" + "\n".join(_wrapped(note, width)), style="dim")
            return text
        droppable = [c for c in shown if c.left_out]
        if not droppable:
            return _records(columns, width)
        shown.remove(max(droppable, key=lambda c: c.left_out))


def _natural(column: Column) -> int:
    return max(cell_len(text) for text in (column.name, *column.cells))


def _narrowest(column: Column) -> int:
    """Return the width of what cannot be broken: words of the name and of texts, whole numbers."""
    words = [*column.name.split()]
    words += [w for x in column.cells for w in (x.split() if column.is_text else [x])]
    return max((cell_len(word) for word in words), default=0)


def _fits(columns: Sequence[Column], widths: Sequence[int], gap: int, width: int) -> bool:
    return sum(widths) + gap * (len(columns) - 1) <= width


def _squeezed(columns: Sequence[Column], width: int) -> list[int] | None:
    """Return widths that fit, what is left over going to the columns that want it most."""
    widths = [_narrowest(column) for column in columns]
    if not _fits(columns, widths, 1, width):
        return None
    spare = width - sum(widths) - (len(columns) - 1)
    natural = [_natural(column) for column in columns]
    while spare and any(n > w for n, w in zip(natural, widths, strict=True)):
        lacking = [n - w for n, w in zip(natural, widths, strict=True)]
        widths[lacking.index(max(lacking))] += 1
        spare -= 1
    return widths


def _grid(columns: Sequence[Column], widths: Sequence[int], gap: int) -> Text:
    heads = [_wrapped(c.name, w) for c, w in zip(columns, widths, strict=True)]
    text = Text("\n".join(_lines(columns, heads, widths, gap)), style="bold")
    whole = Text().append_text(text)
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [
            _wrapped(cell, width) if column.is_text else [cell]
            for column, cell, width in zip(columns, row, widths, strict=True)
        ]
        whole.append("\n" + "\n".join(_lines(columns, cells, widths, gap)))
    return whole


def _lines(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int], gap: int
) -> list[str]:
    """Return the lines of one row, whose cells may have several lines each."""
    lines = []
    for parts in zip_longest(*cells, fillvalue=""):
        line = ""
        for column, part, width in zip(columns, parts, widths, strict=True):
            space = " " * (width - cell_len(part))
            line += (part + space if column.is_text else space + part) + " " * gap
        lines.append(line.rstrip())
    return lines


def _records(columns: Sequence[Column], width: int) -> Text:
    """Return a paragraph for each row: the columns' names, and their cells beside or below."""
    indent = max(cell_len(column.name) for column in columns) + 1
    records = []
    for row in zip(*(column.cells for column in columns), strict=True):
        lines = []
        for column, cell in zip(columns, row, strict=True):
            if not cell:
                continue
            first, *more = _wrapped(cell, width - indent) if column.is_text else [cell]
            name = column.name + " " * (indent - cell_len(column.name))
            if cell_len(name + first) <= width:
                lines += [name + first, *(" " * indent + part for part in more)]
            else:
                lines += [column.name, *_wrapped(cell, width)]
        records.append("\n".join(lines))
    return Text("\n\n".join(records))


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at spaces only."""
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
