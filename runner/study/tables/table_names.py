"""Names of a study's tables: the properties of `Study` that are data frames."""

from __future__ import annotations

from typing import Final

from runner.study.tables.analysis_tables import ALL_TABLES

TABLES: Final = (
    "configurations",
    "restarts",
    "weights",
    "starts",
    "curves",
    "failures",
    "summary",
    "precision",
    "budgets",
    "times",
    "strategies",
    "losses",
    "comparisons",
    *ALL_TABLES,
)
"""Those of `python -m runner analyze` and `map` last; they are there once that has run."""
