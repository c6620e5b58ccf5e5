"""Training files of FANN, the Fast Artificial Neural Network library."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Final

from runner.errors.messages import printable
from runner.experiment.formats.base import TableContent, TableProblems
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.counted_numbers import Counts, read_numbers
from runner.experiment.formats.csv import read_csv
from runner.experiment.formats.text_lines import text_lines

__all__ = ["read_fann"]

_COUNTS: Final = re.compile(r"\s*(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})(?=\s|$)(.*)", re.ASCII)


def read_fann(path: Path, choice: ColumnChoice) -> TableContent:
    """Read FANN's training data; a file that does not begin with three counts is CSV.

    Parameters
    ----------
    path : Path
        The numbers of patterns, inputs and outputs, and then the numbers of each pattern. Line
        ends play no part, as for FANN itself (`fann_read_train_from_file`, version 2.2.0).
    choice : ColumnChoice
        Columns are called x1, x2, ..., and y or y1, y2, ...

    Raises
    ------
    ExperimentError
        As `read_csv` does.
    """
    problems = TableProblems(printable(str(path)))
    lines = text_lines(path, problems)
    line, text = next(lines, (0, ""))
    found = _COUNTS.fullmatch(text)
    # FANN's own files have the counts on a line; elsewhere this is a row of three numbers or more.
    if found is None:
        return read_csv(path, choice)
    counts = Counts(problems, *(int(found[i]) for i in (1, 2, 3)))
    rest = itertools.chain([(line, found[4])], lines)
    tokens = ((line, token) for line, text in rest for token in text.split())
    return read_numbers(tokens, counts, problems, choice, "as training data of FANN")
