"""Every table, in the order of the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.tables.base import Table, TableFunction, as_text
from runner.report.tables.landscape import barrier_rows, class_rows, unseen_rows, verdict_rows
from runner.report.tables.restarts import (
    budget_rows,
    comparison_rows,
    failure_rows,
    loss_rows,
    precision_rows,
    strategy_rows,
    summary_rows,
)

if TYPE_CHECKING:
    from runner.study.study import Study

TABLES: Final[tuple[TableFunction, ...]] = (
    summary_rows,
    precision_rows,
    verdict_rows,
    class_rows,
    unseen_rows,
    barrier_rows,
    strategy_rows,
    budget_rows,
    comparison_rows,
    loss_rows,
    failure_rows,
)


def all_tables(study: Study, landscape: Landscape) -> Iterator[Table]:
    """Yield the tables that have rows."""
    titles = {c.index: title(c) for c in study.plan.configurations}
    for function in TABLES:
        table = function(study, landscape)
        if table is not None and not table.frame.empty:
            yield as_text(table, titles)
