"""The tables of a report: rows of text, with the numbers behind them for sorting."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from runner.report.landscape_tables import Landscape
from runner.report.names import number, title
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.study.tables import Study

MOST_ROWS = 100
"""Rows of a table in the report."""


@dataclass(frozen=True)
class TableCell:
    """One cell."""

    text: str
    """As it is read."""
    value: str | None
    """The number to sort by, in full; None for text."""


@dataclass(frozen=True)
class Table:
    """One table."""

    name: str
    """In links."""
    title: str
    """A heading."""
    note: str
    """What it holds."""
    columns: list[str]
    """Their names."""
    rows: list[list[TableCell]]
    """Of as many cells each."""


def tables(study: Study, landscape: Landscape) -> Iterator[Table]:
    """Yield the tables of a report that have rows."""
    titles = {c.index: title(c) for c in study.plan.configurations}
    random = all(c.settings.init.slice is None for c in study.plan.configurations)
    for name, heading, note, frame in _frames(study, landscape, random):
        if frame.empty:
            continue
        told = frame.head(MOST_ROWS)
        if len(told) < len(frame):
            note += f" The first {len(told):,} of {len(frame):,} rows; all: study.{name} in Python."
        for column in ("configuration", "a", "b"):
            if column in told:
                told = told.assign(**{column: [titles[int(i)] for i in told[column]]})
        rows = [[_cell(value) for value in row] for row in told.itertuples(index=False)]
        yield Table(name, heading, note, [str(c).replace("_", " ") for c in told.columns], rows)


def _frames(
    study: Study, landscape: Landscape, random: bool
) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    summary = study.summary.reset_index().drop(columns=list(study.experiment.grid))
    empty = [label for label in LABELS[1:] if not summary[label].any()]
    summary = summary.drop(columns=empty)
    if not random:
        summary = summary.drop(columns=["ci_low", "ci_high"])
    note = "One row per configuration: restarts by label, quantiles of final loss and of steps."
    yield "summary", "Summary", note, summary
    yield (
        "verdicts",
        "Convexity",
        "What was shown of each configuration, and no more than that.",
        _without_index(landscape.whole("verdicts")),
    )
    yield (
        "minima",
        "Classes of endpoints",
        "Up to the network's symmetries; the weights of each representative are in study.minima.",
        _lean(landscape.whole("minima")),
    )
    yield (
        "unseen",
        "Classes not seen",
        "Share of the restarts' probability that lies in classes not seen yet (Good and Turing), "
        "and a lower bound of the number of classes (Chao 1984).",
        landscape.whole("unseen"),
    )
    barriers = landscape.whole("barriers")
    if len(barriers):
        barriers = barriers.drop(columns=["path"], errors="ignore")
        barriers = barriers.sort_values("barrier", ascending=False, kind="stable")
    yield (
        "barriers",
        "Barriers",
        "Between pairs of endpoints, the highest first; aligned: after the hidden units of one are "
        "exchanged to match the other's.",
        barriers,
    )
    if random:
        strategies = study.strategies.reset_index()
        strategies = strategies.dropna(axis="columns", how="all")
        note = "Restarts until one is solved with probability 99%, with its 95% interval"
        if "budget_cost" in strategies:
            note += (
                "; expected steps per solution with the whole budget, with the best cutoff "
                "(checked: chosen on one half of the restarts, measured on the other) and under "
                "Luby's schedule."
            )
        else:
            note += ". Costs in steps need times to solution: run with training.stop_solved = true."
        yield "strategies", "Restart strategies", note, strategies
        yield (
            "budgets",
            "Success by step budget",
            "Restarts that are solved within a budget, with the share's 95% Wilson interval. "
            "Where training does not stop at a solution, the only budget is the whole one.",
            study.budgets.reset_index(),
        )
        yield (
            "comparisons",
            "Comparisons",
            "Configurations that differ in one axis: success share of b less that of a, with its "
            "95% interval. Paired: both from the same starts. p_holm is adjusted for all rows.",
            study.comparisons,
        )
    yield (
        "losses",
        "Final losses",
        "By label.",
        study.losses.reset_index(),
    )
    failures = study.failures.drop(columns=["traceback"])
    yield "failures", "Failures", "Restarts that could not be trained.", failures


def _lean(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out weights and columns without any value."""
    kept = [c for c in frame.columns if "[" not in str(c)]
    return frame[kept].dropna(axis="columns", how="all")


def _without_index(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["index"], errors="ignore")


def _cell(value: Any) -> TableCell:
    if isinstance(value, bool | np.bool_):
        return TableCell("yes" if value else "no", None)
    if value is None or value is pd.NA or value is pd.NaT:
        return TableCell("", None)
    if isinstance(value, int | float | np.number):
        real = float(value)
        if math.isnan(real):
            return TableCell("", "NaN")
        return TableCell(number(real), f"{real!r}")
    return TableCell(str(value), None)
