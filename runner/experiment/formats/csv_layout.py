"""How a table in text is laid out: what separates its cells, and whether it has a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.target_cells import finite_number

__all__ = ["Layout", "found_layout", "split"]

_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_DECIMAL_COMMAS: Final = re.compile(r"\s*[+-]?\d+(,\d+)?\s*(;\s*[+-]?\d+(,\d+)?\s*)+;?")


@dataclass(frozen=True)
class Layout:
    """What was found out about a table."""

    separator: str
    """One of `_SEPARATORS`; a space stands for any number of them."""
    has_header: bool
    """Whether the first line names the columns."""

    @property
    def in_words(self) -> str:
        """What is not as usual: another separator than a comma, or no header."""
        parts = []
        if self.separator != ",":
            parts.append(f"separated by {_SEPARATORS[self.separator]}s")
        if not self.has_header:
            parts.append("without a header, so that columns are called by their places")
        return ", ".join(parts)


def found_layout(first: str, second: str, choice: ColumnChoice) -> Layout:
    """Return the layout that the first two lines show.

    Parameters
    ----------
    first, second : str
        Lines that are not blank; the second is empty where there is none.
    choice : ColumnChoice
        Names that are known to be columns.

    Raises
    ------
    csv.Error
        If a line has an unclosed quote.
    """
    separator = _separator(first, second)
    return Layout(separator, _is_header(split(first, separator), choice))


def split(text: str, separator: str) -> list[str]:
    """Split one line into cells; csv.Error if a quote is not closed on it."""
    if separator == " ":
        return next(csv.reader([" ".join(text.split())], delimiter=" ", strict=True))
    # A line at a time, so that an unclosed quote is found where it stands.
    line = text if separator == "\t" else text.strip()
    spaces = separator != "\t"
    return next(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=spaces))


def _separator(first: str, second: str) -> str:
    if _DECIMAL_COMMAS.fullmatch(first):
        return ";"
    counts = {sign: n for sign in _SEPARATORS if (n := _count(first, sign)) > 1}
    if not counts:
        return ","
    agreeing = [sign for sign, n in counts.items() if second and _count(second, sign) == n]
    return next(iter(agreeing or counts))


def _count(line: str, separator: str) -> int:
    try:
        return len(split(line, separator))
    except csv.Error:
        return 0


def _is_header(cells: Sequence[str], choice: ColumnChoice) -> bool:
    names = [cell.strip() for cell in cells]
    numbers = [finite_number(name) for name in names]
    n_numbers = sum(number is not None for number in numbers)
    if n_numbers == len(names):
        # pandas calls columns that have no names 0, 1, 2 and so on.
        return len(names) > 2 and numbers == list(range(len(names)))
    return 2 * n_numbers <= len(names) or choice.names_a_target(names)
