"""Which reader a truth table's file needs, by the ending of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runner.experiment.formats.base import TableContent, TableReader
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.csv import read_csv
from runner.experiment.formats.fann import read_fann
from runner.experiment.formats.snns import read_snns

READERS: Final[Mapping[str, TableReader]] = MappingProxyType(
    {
        ".csv": read_csv,
        ".data": read_fann,
        ".train": read_fann,
        ".test": read_fann,
        ".pat": read_snns,
    }
)
"""Readers by ending, in small letters and before `.gz`; any other file is read as CSV."""


def read_table(path: Path, choice: ColumnChoice | None = None) -> TableContent:
    """Read a truth table.

    Parameters
    ----------
    path : Path
    choice : ColumnChoice, optional
        Which columns are targets and which are left out.

    Raises
    ------
    ExperimentError
        With every problem of the file, up to ten in words.
    """
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return READERS.get(plain.suffix.lower(), read_csv)(path, choice or ColumnChoice())
