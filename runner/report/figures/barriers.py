"""How the loss rises between endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.errors.messages import counted
from runner.report.figures.base import Picture
from runner.report.landscape_tables import Landscape, highest_rise
from runner.report.names import drawn, title
from runner.report.numbers import drawable, number
from runner.report.style import MOST_PANELS, OTHER, PALETTE, first, panels

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_PATHS = 60  # of a panel


def draw_barriers(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the loss along straight paths, before and after alignment."""
    crossed = [c for c in study.plan.configurations if len(_paths(landscape, c))]
    # without hidden units there is nothing to align; a study of such alone shows its paths
    if configurations := [c for c in crossed if c.architecture.has_hidden_units] or crossed:
        yield _picture(landscape, configurations)


def _picture(landscape: Landscape, configurations: list[Configuration]) -> Picture:
    shown = configurations[: MOST_PANELS // 2]
    figure, grid = panels(2 * len(shown), columns=2, height=2.2)
    texts = []
    for position, c in enumerate(shown):
        table = _paths(landscape, c)
        pair = grid[2 * position : 2 * position + 2]
        # one scale for both, so that what alignment removes is seen
        pair[1].sharey(pair[0])
        for axes, aligned in zip(pair, (False, True), strict=True):
            rows = table[table["aligned"].astype(bool) == aligned]
            highest = rows.sort_values("excess", ascending=False).head(_MOST_PATHS)
            _draw_paths(axes, highest, PALETTE[2] if aligned else PALETTE[1])
            when = "after" if aligned else "before"
            height = highest_rise(rows)
            rising = f"rising up to {number(height)}" if height else "none rises"
            text = f"{counted(len(rows), 'pair')}, {rising}"
            axes.set_title(f"{drawn(c)}, {when} alignment\n{text}", fontsize=9)
            texts.append(f"{title(c)} {when} alignment: {text}")
        pair[0].set_ylabel("loss")
        # from 0, so that differences far below the loss look as small as they are
        pair[0].set_ylim(bottom=min(0.0, pair[0].get_ylim()[0]))
        pair[1].tick_params(labelleft=False)
    for axes in grid[-2:]:
        axes.set_xlabel("way from one endpoint to the other")
    return Picture(
        "barriers",
        "Hills between the endpoints",
        "Loss along straight lines between pairs of class representatives (where there are none, "
        "of sampled endpoints), before and after the hidden units of one are exchanged to match "
        f"the other's. At most {_MOST_PATHS} lines of a panel, those that rise most above the line "
        f"between their ends.{first(len(configurations), len(shown))}",
        "Lines of the loss along straight paths. " + "; ".join(texts),
        figure,
    )


def _paths(landscape: Landscape, configuration: Configuration) -> pd.DataFrame:
    table = landscape.of("barriers", configuration)
    if table.empty:
        return table
    between = table[table["pairs"] == "representatives"]
    return between if len(between) else table


def _draw_paths(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    for path in rows["path"]:
        values = drawable(path)
        axes.plot(
            np.linspace(0, 1, len(values)),
            values,
            color=colour,
            alpha=0.5,
            linewidth=0.9,
            rasterized=True,
        )
    if rows.empty:
        axes.text(0.5, 0.5, "no pairs", ha="center", transform=axes.transAxes, color=OTHER)
