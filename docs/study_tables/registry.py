"""The tables that a page can have, by name."""

from __future__ import annotations

from study_tables.base import Table
from study_tables.critical_points import (
    embedding_table,
    points_by_l2_table,
    points_by_units_table,
    points_table,
)
from study_tables.maps import map_changes_table, map_table
from study_tables.minima import barriers_table, minima_table, zero_table
from study_tables.origin import origin_table
from study_tables.outcomes import outcomes_table
from study_tables.parity import growth_table, parity_table, tuned_table
from study_tables.restarts import simulated_table, strategies_range_table, strategies_table
from study_tables.signs import signs_table
from study_tables.slices import neighbours_table
from study_tables.stuck import critical_table, stuck_table, unsolved_table
from study_tables.sweeps import (
    few_failures_table,
    one_run_table,
    sweeps_fits_table,
    sweeps_table,
)
from study_tables.widths import budgets_table, failed_table, width_groups_table

TABLES: dict[str, Table] = {
    "barriers": barriers_table,
    "budgets": budgets_table,
    "critical": critical_table,
    "failed": failed_table,
    "embedding": embedding_table,
    "few-failures": few_failures_table,
    "growth": growth_table,
    "map": map_table,
    "map-changes": map_changes_table,
    "minima": minima_table,
    "neighbours": neighbours_table,
    "one-run": one_run_table,
    "origin": origin_table,
    "outcomes": outcomes_table,
    "parity": parity_table,
    "points": points_table,
    "points-by-l2": points_by_l2_table,
    "points-by-units": points_by_units_table,
    "signs": signs_table,
    "simulated": simulated_table,
    "strategies": strategies_table,
    "strategies-range": strategies_range_table,
    "stuck": stuck_table,
    "sweeps": sweeps_table,
    "sweeps-fits": sweeps_fits_table,
    "tuned": tuned_table,
    "unsolved": unsolved_table,
    "width-groups": width_groups_table,
    "zero": zero_table,
}

ANALYZED = frozenset({"barriers", "critical", "minima", "zero"})
"""Those that need the tables of `runner.analyze`."""

MAPPED = frozenset({"embedding", "points", "points-by-l2", "points-by-units"})
"""Those that need the tables of `runner.map_landscape`."""
