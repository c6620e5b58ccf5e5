"""Which reader a truth table's file needs, by the ending of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from runner.experiment.tables.base import TableReader
from runner.experiment.tables.csv import read_csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

READERS: Final[Mapping[str, TableReader]] = MappingProxyType({".csv": read_csv})
"""Readers by ending, in small letters; any other file is read as CSV."""


def read_table(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a truth table.

    Returns
    -------
    inputs : ndarray, shape (n_patterns, n_inputs), float64
    targets : ndarray, shape (n_patterns, n_outputs), float64

    Raises
    ------
    ExperimentError
        With every problem of the file, up to ten in words.
    """
    return READERS.get(path.suffix.lower(), read_csv)(path)
