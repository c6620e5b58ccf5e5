"""Tables of other programs that say how many patterns, inputs and outputs follow, as numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np

from runner.errors.messages import counted, shown
from runner.experiment.formats.base import MAX_ROWS, TableContent, TableProblems
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.csv_hints import cell_hint
from runner.experiment.formats.target_cells import finite_number

__all__ = ["Counts", "read_numbers"]


class Counts:
    """How much a file says that it holds.

    Parameters
    ----------
    problems : TableProblems
        The counts that no table can have end the reading.
    n_patterns, n_inputs, n_outputs : int
    """

    def __init__(
        self, problems: TableProblems, n_patterns: int, n_inputs: int, n_outputs: int
    ) -> None:
        self.n_patterns, self.n_inputs, self.n_outputs = n_patterns, n_inputs, n_outputs
        if not 1 <= n_patterns <= MAX_ROWS:
            text = f"the file says that it has {counted(n_patterns, 'pattern')}"
            raise problems.stop(f"{text}; expected 1 to {MAX_ROWS:,}.")
        if n_inputs < 1 or n_outputs < 1:
            text = f"the file says that patterns have {counted(n_inputs, 'input')} and "
            text += counted(n_outputs, "output")
            raise problems.stop(f"{text}; expected at least one of each.")

    @property
    def n_numbers(self) -> int:
        """All numbers of the file."""
        return self.n_patterns * (self.n_inputs + self.n_outputs)

    @property
    def names(self) -> tuple[str, ...]:
        """Names for the columns, which such a file has not: x1, x2, ..., and y or y1, y2, ..."""
        inputs = [f"x{i}" for i in range(1, self.n_inputs + 1)]
        outputs = [f"y{i}" for i in range(1, self.n_outputs + 1)]
        return (*inputs, *(outputs if self.n_outputs > 1 else ["y"]))


def read_numbers(
    tokens: Iterator[tuple[int, str]],
    counts: Counts,
    problems: TableProblems,
    choice: ColumnChoice,
    understood: str,
) -> TableContent:
    """Read the numbers of all patterns, each its inputs and then its outputs.

    Parameters
    ----------
    tokens : iterator of (int, str)
        Line and text of what is to be numbers. What follows the last of them is left out.
    counts : Counts
    problems : TableProblems
    choice : ColumnChoice
    understood : str
        What the file is.

    Raises
    ------
    ExperimentError
        If numbers are missing or not finite, or a target has a single value.
    """
    names = counts.names
    for text, hint in choice.problems(names, "the file"):
        problems.add(text, hint)
    numbers = array("d")
    for line, token in tokens:
        if len(numbers) == counts.n_numbers:
            understood += "; what follows the last pattern is left out"
            break
        number = finite_number(token)
        if number is None:
            text = f"line {line} holds {shown(token)}; expected a finite number."
            problems.add(text, cell_hint(token))
        numbers.append(np.nan if number is None else number)
    if len(numbers) < counts.n_numbers:
        problems.add(
            f"the file ends after {counted(len(numbers), 'number')}; expected "
            f"{counts.n_numbers:,}: {counted(counts.n_patterns, 'pattern')} of "
            f"{counted(counts.n_inputs, 'input')} and {counted(counts.n_outputs, 'output')}."
        )
    if problems.total:
        raise problems.error()
    table = np.frombuffer(numbers, dtype=np.float64).reshape(counts.n_patterns, len(names))
    inputs, targets = choice.positions(names)
    for i in targets:
        if table[:, i].min() == table[:, i].max() and choice.must_vary:
            problems.add_constant(names[i], float(table[0, i]))
    if problems.total:
        raise problems.error()
    return TableContent(
        table[:, inputs],
        table[:, targets],
        tuple(names[i] for i in inputs),
        tuple(names[i] for i in targets),
        ((),) * len(targets),
        understood,
    )
