"""What to do about a CSV file as other programs write it: the next step of a message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = [
    "cell_hint",
    "comment_hint",
    "foreign_hint",
    "is_missing",
    "is_workbook",
    "name_hint",
    "target_hint",
]

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods and other archives; .xls
_TARGET_WORDS: Final = (
    *("target", "targets", "label", "labels", "class", "classes", "species", "output", "outputs"),
    *("out", "desired", "expected", "result", "response", "answer", "outcome", "t", "d", "z"),
)
"""What others call a target column, in small letters."""
_MISSING: Final = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "?", "-", "inf", "-inf", "nat", "<na>")
)


def is_workbook(raw: bytes) -> bool:
    """Return whether this is the beginning of a spreadsheet's own file, which is no text."""
    return raw.startswith(_WORKBOOKS)


def is_missing(word: str) -> bool:
    """Return whether a cell says that there is no value."""
    return word.casefold() in _MISSING


def comment_hint() -> str:
    """Return what to do about a comment above the table."""
    return "expected a header or numbers. Remove the comment."


def foreign_hint(first: str, second: str) -> str:
    """Return what to do about data of another program, by its first lines; empty if it is none."""
    relation = r"\s*@relation\s"
    if first.startswith("%") and second.startswith("%"):
        return (
            "expected a header or numbers. Remove the comments; of ARFF, save the lines below "
            "@data as CSV, with a header."
        )
    lines = (first, second) if first.startswith("%") else (first,)
    if any(re.match(relation, line, re.IGNORECASE) for line in lines):
        return "expected CSV, this is ARFF. Save the lines below @data as CSV, with a header."
    if re.fullmatch(r"(bool|real)_in=\d+\s*", first):
        return (
            "expected CSV, this is data of Proben1. Remove the seven lines above the numbers, and "
            "name the last columns in problem.target_columns: they are called 1, 2, 3, and so on."
        )
    if re.fullmatch(r"[+-]?[\d.]+(\s+\d+:\S+)+\s*", first):
        return (
            "expected CSV, this is data of LIBSVM. scikit-learn's load_svmlight_file reads it; "
            "problem.table may be an array."
        )
    return ""


def name_hint(position: int, n_columns: int) -> str:
    """Return what to do about a column without a name."""
    if position == 1:
        return (
            " Name it or remove it; pandas leaves its index out with to_csv(..., index=False). "
            'Or set problem.ignored_columns to [""].'
        )
    if position == n_columns:
        return " Name it, or remove the separator at the end of each line."
    return ""


def target_hint(names: Iterable[str]) -> str:
    """Return what to do about a header that names no target."""
    names = list(names)
    if re.fullmatch(r"\d+,\d+,[^\d,].*", ",".join(names)):
        # then names of classes; without that line the last column is the target
        return (
            " Remove the line if it counts rows and inputs, as scikit-learn's and TensorFlow's do."
        )
    for name in reversed(names):
        if name.casefold() in ("y", *_TARGET_WORDS) or re.fullmatch(r"Y(\d+|_.+)", name):
            return f" Set problem.target_columns to [{name!r}]."
    return " Name the columns that are to be learnt in problem.target_columns."


def cell_hint(cell: str, *, is_input: bool = False) -> str:
    """Return what to do about a cell that is no number."""
    word = cell.strip()
    if word.startswith("#"):
        return " Remove comments."
    if re.fullmatch(r"[+-]?\d+,\d+", word):
        return (
            " Write a decimal point: pandas reads decimal commas with read_csv(..., decimal=',')."
        )
    if is_missing(word):
        return " Fill it in, or remove the row."
    if word.casefold() in ("true", "false", "t", "f", "yes", "no"):
        return " Write 0 and 1."
    if is_input and re.search(r"[^\W\d_]", word):
        return " Write numbers, or leave the column out: problem.ignored_columns."
    return ""
