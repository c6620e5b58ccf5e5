"""Pattern files of SNNS, the Stuttgart Neural Network Simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runner.errors.messages import printable, shown
from runner.experiment.formats.base import TableContent, TableProblems
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.counted_numbers import Counts, read_numbers
from runner.experiment.formats.text_lines import text_lines

__all__ = ["read_snns"]

_FIRST: Final = re.compile(r"\s*SNNS pattern definition file V(\d+\.\d+)\s*", re.ASCII)
_FIELD: Final = re.compile(r"\s*(No\. of [a-z ]+|Maximum [a-z ]+)\s*:(.*)", re.ASCII)
_NUMBERS: Final = ("No. of patterns", "No. of input units", "No. of output units")


def read_snns(path: Path, choice: ColumnChoice) -> TableContent:
    """Read a pattern file.

    Parameters
    ----------
    path : Path
        The header that SNNS writes, and then the numbers of each pattern; `#` begins a comment
        that goes to the end of the line. Line ends play no other part.
    choice : ColumnChoice
        Columns are called x1, x2, ..., and y or y1, y2, ...

    Raises
    ------
    ExperimentError
        As `runner.experiment.formats.csv.read_csv` does; and of patterns of variable size or in
        classes (format V4.2), which are no table.
    """
    problems = TableProblems(printable(str(path)))
    lines = _without_comments(text_lines(path, problems))
    line, text = next(lines, (0, ""))
    first = _FIRST.fullmatch(text)
    if first is None:
        rule = "expected 'SNNS pattern definition file V3.2', as SNNS begins its pattern files"
        raise problems.stop(f"line {line} is {shown(text)}; {rule}.")
    fields: dict[str, int] = {}
    for line, text in lines:
        if text.lstrip().startswith("generated at"):
            continue
        field = _FIELD.fullmatch(text)
        if field is None:
            break
        name, value = field[1].strip(), field[2].strip()
        if name not in _NUMBERS or not re.fullmatch(r"\d{1,9}", value, re.ASCII):
            rule = "patterns of one size, without classes"
            rule = "an integer after the colon" if name in _NUMBERS else rule
            raise problems.stop(f"line {line} is {shown(text.strip())}; expected {rule}.")
        fields[name] = int(value)
    else:
        line, text = 0, ""
    for name in _NUMBERS:
        if name not in fields:
            raise problems.stop(f"the header has no line {name!r}; expected one.")
    counts = Counts(problems, *(fields[name] for name in _NUMBERS))
    tokens = _tokens(line, text, lines)
    return read_numbers(tokens, counts, problems, choice, f"as patterns of SNNS V{first[1]}")


def _without_comments(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for line, text in lines:
        if (before := text.partition("#")[0]).strip():
            yield line, before


def _tokens(line: int, text: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from ((line, token) for token in text.split())
    yield from ((line, token) for line, text in lines for token in text.split())
