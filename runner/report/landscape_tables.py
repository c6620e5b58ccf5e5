"""The tables of `python -m runner analyze` and of `map`, where a study has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.errors import StudyError
from runner.landscape.options import DEFAULTS
from runner.study.store import Store
from runner.study.tables import analysis_tables

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

NAMES = ("curvature", "classes", "minima", "unseen", "barriers", "verdicts")
"""What `analyze` adds to a study."""

MAP_NAMES = ("critical_points", "transitions", "paths", "basins", "tree")
"""What figures show of what `map` adds."""


class Landscape:
    """The landscape tables of a study, each a plain table that may be empty.

    Parameters
    ----------
    study : Study
    """

    def __init__(self, study: Study) -> None:
        self._tables: dict[str, pd.DataFrame] = {}
        self._parts: dict[tuple[str, int], pd.DataFrame] = {}
        unusable: list[str] = []
        for name in (*NAMES, *MAP_NAMES):
            try:
                self._tables[name] = _plain(getattr(study, name))
            except StudyError:
                self._tables[name] = pd.DataFrame()
                unusable.append(name)
        self.unusable = _of_what_was_made(study, NAMES, unusable)
        """Tables of an analysed study that are gone, damaged, or older than its restarts."""
        self.unusable_of_map = _of_what_was_made(study, MAP_NAMES, unusable)
        """Likewise of a mapped study."""

    @property
    def missing(self) -> bool:
        """Whether the study was not analysed."""
        return not self.unusable and all(self._tables[name].empty for name in NAMES)

    def whole(self, name: str) -> pd.DataFrame:
        """Return a table."""
        return self._tables[name]

    def of(self, name: str, configuration: Configuration) -> pd.DataFrame:
        """Return a configuration's rows of a table, cut out once: every figure asks."""
        table = self._tables[name]
        if table.empty:
            return table
        key = (name, configuration.index)
        if key not in self._parts:
            self._parts[key] = table[table["configuration"] == configuration.index]
        return self._parts[key]

    def minima(self, configuration: Configuration) -> pd.DataFrame:
        """Return a configuration's classes, the largest first."""
        table = self.of("minima", configuration)
        return table.sort_values("size", ascending=False, kind="stable") if len(table) else table


def weights(rows: pd.DataFrame, configuration: Configuration) -> np.ndarray:
    """Return the weights in rows of `Study.minima`, shape (n, n_parameters), float64."""
    names = list(configuration.architecture.parameter_names)
    return rows.reindex(columns=names).to_numpy(np.float64)


def _of_what_was_made(study: Study, names: Sequence[str], unusable: Sequence[str]) -> list[str]:
    """Return which of some tables are unusable; none where none of them was ever made."""
    folder = Store(study.path).tables_path
    made = any(analysis_tables.path(folder, name).exists() for name in names)
    return [name for name in names if name in unusable] if made else []


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its configuration in a column, and nothing but its rows.

    pandas copies `attrs` in depth with every selection, which would take longer than drawing.
    """
    if table.empty:
        return pd.DataFrame()
    plain = table.copy(deep=False) if "configuration" in table.columns else table.reset_index()
    plain.attrs = {}
    return plain


def highest_rise(paths: pd.DataFrame) -> float:
    """Return how far the loss rises above the line between a path's ends; 0 for rounding.

    What rounding may make is what the verdict's rule says: a share of the loss at the higher end.
    Paths on which the loss overflows count as level, as they do for the verdict.
    """
    if paths.empty:
        return 0.0
    ends = np.array([[path[0], path[-1]] for path in paths["path"]], np.float64)
    excess = paths["excess"].to_numpy(np.float64)
    rising = excess > DEFAULTS.rise_tolerance * np.maximum(ends.max(axis=1), 1.0)
    return float(excess[rising].max(initial=0.0))


def overflowing(paths: pd.DataFrame) -> int:
    """Return on how many paths the loss is not finite somewhere, so that nothing is known."""
    return int(paths["excess"].isna().sum()) if len(paths) else 0
