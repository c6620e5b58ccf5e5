"""What a file format of truth tables is, for who adds one.

A format is a file of this folder with a `TableReader`, and an entry in
`runner.experiment.formats.registry`. A reader

- reads a bounded number of bytes, whatever the file holds, and executes nothing;
- collects what is wrong in `TableProblems` and raises them together, each with its place in the
  file, so that a user can correct all of them in one go;
- returns numbers and names only. What they mean to a network (levels, middles, one-hot columns) is
  worked out in `runner.experiment.truth_table`, alike for every format.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from runner.errors import ExperimentError
from runner.errors.messages import summed_up

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BYTES: Final = 64 * 2**20
"""Largest table file, bytes."""

MAX_ROWS: Final = 100_000
"""Largest number of data rows."""

_MAX_PROBLEMS: Final = 10


class TableContent(NamedTuple):
    """What a reader finds in a file."""

    inputs: NDArray[np.float64]
    """Shape (n_patterns, n_inputs)."""
    targets: NDArray[np.float64]
    """Shape (n_patterns, n_outputs)."""
    input_names: tuple[str, ...]
    """The columns of inputs, in order."""
    target_names: tuple[str, ...]
    """The columns of targets, in order."""


TableReader: TypeAlias = Callable[[Path], TableContent]
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

    def stop(self, message: str) -> ExperimentError:
        """Add a problem beyond which nothing can be read; return the error to raise."""
        # A problem that ends the reading is shown even where the list is full.
        self._lines = [*self._lines[: _MAX_PROBLEMS - 1], f"{self.where}: {message}"]
        self.total += 1
        return self.error()

    def error(self) -> ExperimentError:
        """Return the error to raise when all problems are found."""
        return ExperimentError(summed_up(self._lines, self.total, _MAX_PROBLEMS))
