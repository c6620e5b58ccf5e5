"""Which reader a truth table's file needs, by the ending of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runner.experiment.formats.base import TableContent, TableReader
from runner.experiment.formats.csv import read_csv

READERS: Final[Mapping[str, TableReader]] = MappingProxyType({".csv": read_csv})
"""Readers by ending, in small letters; any other file is read as CSV."""


def read_table(path: Path) -> TableContent:
    """Read a truth table.

    Raises
    ------
    ExperimentError
        With every problem of the file, up to ten in words.
    """
    return READERS.get(path.suffix.lower(), read_csv)(path)
