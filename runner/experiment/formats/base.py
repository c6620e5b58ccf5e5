"""What a file format of truth tables is, for who adds one.

A format is a file of this folder with a `TableReader`, and an entry in
`runner.experiment.formats.registry`. A reader

- reads a bounded number of bytes, whatever the file holds, and executes nothing:
  `runner.experiment.formats.text_lines` does that, also of what is compressed;
- collects what is wrong in `TableProblems` and raises them together, each with its place in the
  file, so that a user can correct all of them in one go;
- leaves it to `ColumnChoice` which columns are targets, and says in `TableContent.understood` what
  it had to find out;
- returns numbers, names and classes only. What they mean to a network (levels, middles, one-hot
  columns) is worked out in `runner.experiment.truth_tables.truth_table`, alike for every format.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from runner.errors import ExperimentError
from runner.errors.messages import printable, summed_up
from runner.experiment.formats.column_choice import ColumnChoice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BYTES: Final = 64 * 2**20
"""Largest table file, bytes; also of what is in a compressed one."""

MAX_ROWS: Final = 100_000
"""Largest number of data rows."""

MAX_CLASSES: Final = 100
"""Largest number of classes of a target column in words."""

_MAX_PROBLEMS: Final = 10


class TableContent(NamedTuple):
    """What a reader finds in a file."""

    inputs: NDArray[np.float64]
    """Shape (n_patterns, n_inputs)."""
    targets: NDArray[np.float64]
    """Shape (n_patterns, n_outputs); the number of the class where a column has classes."""
    input_names: tuple[str, ...]
    """The columns of inputs, in order."""
    target_names: tuple[str, ...]
    """The columns of targets, in order."""
    classes: tuple[tuple[str, ...], ...] = ()
    """Of each target column, its classes in sorted order; none for a column of numbers."""
    understood: str = ""
    """How the file was read, in words, where that had to be found out."""


class TableSource(NamedTuple):
    """A table that a program has in its hands, in place of a file."""

    content: bytes
    """CSV."""
    has_header: bool
    """Whether its first line names the columns."""


TableReader: TypeAlias = Callable[[Path, ColumnChoice], TableContent]
"""Reads a file; raises `ExperimentError`."""


class TableProblems:
    """The problems of one file: the first few in words, the others counted.

    Parameters
    ----------
    where : str
        What messages call the file.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.total = 0
        self._lines: list[str] = []
        self._hints: set[str] = set()

    def add(self, message: str, hint: str = "") -> None:
        """Add a problem; reading continues. A hint that many cells share is given once."""
        self.total += 1
        if self.total <= _MAX_PROBLEMS:
            self._lines.append(f"{self.where}: {message}{'' if hint in self._hints else hint}")
            self._hints.add(hint)

    def add_constant(self, name: str, value: object) -> None:
        """Add that a target column has a single value."""
        self.add(
            f"column {printable(name)} is {value!r} in every row; "
            "a truth table needs two different target values."
        )

    def stop(self, message: str) -> ExperimentError:
        """Add a problem beyond which nothing can be read; return the error to raise."""
        # A problem that ends the reading is shown even where the list is full.
        self._lines = [*self._lines[: _MAX_PROBLEMS - 1], f"{self.where}: {message}"]
        self.total += 1
        return self.error()

    def error(self) -> ExperimentError:
        """Return the error to raise when all problems are found."""
        return ExperimentError(summed_up(self._lines, self.total, _MAX_PROBLEMS))
