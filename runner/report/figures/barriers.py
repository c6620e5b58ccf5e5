"""How the loss rises between endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from runner.errors.messages import counted
from runner.report.colours import INK
from runner.report.figures.base import Panel, Picture
from runner.report.figures.choice import chosen, telling
from runner.report.landscape_tables import Landscape, highest_rise
from runner.report.names import loss_name, title
from runner.report.numbers import drawable, number
from runner.report.style import MOST_PANELS, Shape, put_ticks
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_PATHS = 60  # of a panel
_SHAPE = Shape(3.8, 2.0)


def draw_barriers(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the loss along straight paths, before and after alignment."""
    crossed = [c for c in study.plan.configurations if len(_paths(landscape, c))]
    # without hidden units there is nothing to align; a study of such alone shows its paths
    configurations = [c for c in crossed if c.architecture.has_hidden_units] or crossed
    if not configurations:
        return
    shown = telling(study, configurations, MOST_PANELS // 2)
    panels = []
    for c in shown:
        table = _paths(landscape, c)
        halves = [table[table["aligned"].astype(bool) == aligned] for aligned in (False, True)]
        # one scale for both, so that what alignment removes is seen
        ends = _ends(table)
        for rows, when in zip(halves, ("before", "after"), strict=True):
            highest = rows.sort_values("excess", ascending=False).head(_MOST_PATHS)
            height = highest_rise(rows)
            rising = f"rising up to {number(height)}" if height else "none rises"
            note = f"{counted(len(rows), 'pair')}, {rising}"
            draw = partial(_draw, highest, ends, loss_name([c]))
            panels.append(Panel(f"{title(c)}, {when} alignment", draw, note))
    yield Picture(
        "barriers",
        "Hills between the endpoints",
        "Loss along straight lines between pairs of class representatives (where there are none, "
        "of sampled endpoints), before and after the hidden units of one are exchanged to match "
        f"the other's. At most {_MOST_PATHS} lines of a panel, those that rise most above the line "
        f"between their ends.{chosen(len(configurations), len(shown))}",
        "Lines of the loss along straight paths. "
        + "; ".join(f"{panel.title}: {panel.note}" for panel in panels),
        tuple(panels),
        _data(landscape, shown),
        shape=_SHAPE,
        columns=2,
        table="barriers",
    )


def _paths(landscape: Landscape, configuration: Configuration) -> pd.DataFrame:
    table = landscape.of("barriers", configuration)
    if table.empty:
        return table
    between = table[table["pairs"] == "representatives"]
    return between if len(between) else table


def _data(landscape: Landscape, shown: list[Configuration]) -> pd.DataFrame:
    """Return how far the loss rises on each path, without the paths."""
    tables = [_paths(landscape, c).drop(columns=["path"], errors="ignore") for c in shown]
    return pd.concat(tables, ignore_index=True)


def _ends(table: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of losses: from 0, so that small differences look small."""
    values = np.concatenate([drawable(path) for path in table["path"]])
    values = values[np.isfinite(values)]
    low, high = min(0.0, float(values.min(initial=0.0))), float(values.max(initial=0.0))
    high = high if high > low else low + 1.0
    return low - 0.03 * (high - low), high + 0.05 * (high - low)


def _draw(rows: pd.DataFrame, ends: tuple[float, float], name: str, axes: Axes) -> Tips:
    lines = []
    for path in rows["path"]:
        values = drawable(path)
        points = np.column_stack([np.linspace(0, 1, len(values)), values])
        lines.append(points[np.isfinite(values)])
    axes.add_collection(LineCollection(lines, colors=INK, alpha=0.4, linewidths=0.8))
    if rows.empty:
        axes.text(0.5, 0.5, "no pairs", ha="center", transform=axes.transAxes)
    axes.set(xlim=(-0.02, 1.02), ylim=ends, ylabel=name)
    put_ticks(axes.xaxis, [0, 0.5, 1], ["one endpoint", "halfway", "the other"])
    axes.locator_params(axis="y", nbins=5)
    return {}
