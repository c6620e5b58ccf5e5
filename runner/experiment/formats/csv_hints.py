"""What to do about a CSV file as other programs write it: the next step of a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["cell_hint", "is_workbook", "name_hint", "separator_hint", "target_hint"]

_SEPARATORS: Final = {";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_FANN: Final = (".data", ".train", ".test")  # FANN files begin with three counts
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods and other archives; .xls
_TARGET_WORDS: Final = (
    *("target", "targets", "label", "labels", "class", "classes", "species", "output", "outputs"),
    *("out", "desired", "expected", "result", "response", "answer", "outcome", "t", "d", "z"),
)
"""What others call a target column, in small letters."""


def is_workbook(raw: bytes) -> bool:
    """Return whether this is the beginning of a spreadsheet's own file, which is no text."""
    return raw.startswith(_WORKBOOKS)


def separator_hint(header: Sequence[str], following: Sequence[str], where: str) -> str:
    """Return how to make CSV of a file with another separator, or an empty string.

    Parameters
    ----------
    header, following : sequence of str
        The first two lines, cut at commas.
    where : str
        The file.
    """
    if len(header) != 1:
        return ""
    line = header[0]
    if line.startswith("#"):
        return "Remove the comment"
    separator = next((sign for sign in _SEPARATORS if sign in line), None)
    if separator is None:
        return ""
    step = f"Put a comma in place of each {_SEPARATORS[separator]}"
    if len(following) > 1:
        # 0,5;1 has been cut at its decimal comma.
        step = f"Put a point in place of each decimal comma, then {step[0].lower()}{step[1:]}"
    if any(not _looks_like_a_number(cell) for cell in line.split(separator) if cell.strip()):
        return step
    place = "in place of this line of a FANN file" if where.endswith(_FANN) else "above this line"
    return f"{step}, and a header, such as a,b,y, {place}"


def name_hint(position: int, n_columns: int) -> str:
    """Return what to do about a column without a name."""
    if position == 1:
        return " Name it or remove it; pandas leaves its index out with to_csv(..., index=False)."
    if position == n_columns:
        return " Name it, or remove the comma at the end of each line."
    return ""


def target_hint(names: Iterable[str]) -> str:
    """Return what to do about a header that names no target."""
    names = list(names)
    if 2 * sum(map(_looks_like_a_number, names)) > len(names):
        return " Put a header above this line: y, y1, ... for targets, other names for inputs."
    for name in reversed(names):
        if name == "Y" or re.fullmatch(r"Y(\d+|_.+)", name):
            return f" Write {name!r} as {'y' + name[1:]!r}."
        if name.casefold() in _TARGET_WORDS:
            return f" Write {name!r} as 'y'."
    return " Rename the columns that are to be learnt."


def cell_hint(cell: str, is_target: bool) -> str:
    """Return what to do about a cell that is no number."""
    word = cell.strip()
    if word.casefold() in ("true", "false", "t", "f", "yes", "no"):
        return " Write 0 and 1."
    if word.startswith("#"):
        return " Remove comments."
    if re.fullmatch(r"[+-]?\d+,\d+", word):
        return " Write a decimal point."
    if word.casefold() in ("", "na", "n/a", "nan", "null", "none", "?", "-", "inf", "-inf"):
        return " Fill it in, or remove the row."
    if is_target and re.search(r"[^\W\d_]", word):
        return (
            " Write two classes as 0 and 1; more need a column each, y0, y1, ..., of 0 and 1, and "
            "network.output 'softmax'."
        )
    return ""


def _looks_like_a_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
