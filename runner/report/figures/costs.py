"""When to give a restart up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from runner.report.figures.base import Panel, Picture, n_restarts_text, with_times
from runner.report.figures.lines import LinePanel, line_figure
from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.numbers import number
from runner.report.style import logarithmic_axis
from runner.report.svg import Tips
from runner.study.statistics.strategies import cutoff_costs

if TYPE_CHECKING:
    from runner.study.study import Study


def draw_costs(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the expected steps per solution by cutoff."""
    configurations = with_times(study)
    if not configurations:
        return
    figure = line_figure(study, configurations)
    best = study.strategies.loc[[c.index for c in figure.shown]]
    yield Picture(
        "costs",
        "When to give up and start again",
        "Expected steps until a restart is solved if each is given up after the cutoff; dots: the "
        "best cutoff; triangles at the right edge: Luby's universal schedule, which has no "
        f"cutoff. {n_restarts_text(study, figure.shown)}{figure.said}",
        "Curves of expected cost against the cutoff; the best: "
        + "; ".join(
            f"{title(c)}: {number(row['best_cost'])} steps at a cutoff of "
            f"{number(row['best_cutoff'])}"
            for c, (_, row) in zip(figure.shown, best.iterrows(), strict=True)
        ),
        tuple(Panel(panel.title, partial(_draw, study, panel)) for panel in figure.panels),
        best.reset_index(),
        keys=figure.keys,
        shape=figure.shape,
        table="strategies",
    )


def _draw(study: Study, panel: LinePanel, axes: Axes) -> Tips:
    tips: Tips = {}
    for line in panel.lines:
        c = line.configuration
        tally = study.tallies[c.index]
        steps = np.maximum(tally.steps, 1)
        cutoffs, costs = cutoff_costs(steps, tally.solved.sum(axis=1), tally.ended)
        axes.plot(cutoffs, costs, color=line.colour)
        if not line.behind:
            row: Any = study.strategies.loc[c.index]
            (dot,) = axes.plot(row["best_cutoff"], row["best_cost"], "o", color=line.colour, ms=4)
            # at the right edge, whatever the cutoffs
            edge = axes.get_yaxis_transform()
            (luby,) = axes.plot(
                1.0, row["luby_cost"], "<", color=line.colour, ms=4, transform=edge, clip_on=False
            )
            tips[dot] = [
                f"{title(c)}: {number(row['best_cost'])} steps per solution at a cutoff of "
                f"{number(row['best_cutoff'])}"
            ]
            tips[luby] = [f"{title(c)}: {number(row['luby_cost'])} steps by Luby's schedule"]
    logarithmic_axis(axes, "x", "cutoff, steps")
    logarithmic_axis(axes, "y", "steps per solution")
    return tips
