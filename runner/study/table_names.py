"""Names of a study's tables: the properties of `Study` that are data frames."""

from __future__ import annotations

from typing import Final

from runner.study.analysis_tables import TABLES as ANALYSIS_TABLES

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
    *ANALYSIS_TABLES,
)
"""Those of the analysis last; they are there once `python -m runner analyze` has run."""
