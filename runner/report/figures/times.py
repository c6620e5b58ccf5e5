"""How many steps a solution takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from runner.report.figures.base import Panel, Picture, n_restarts_text, with_times
from runner.report.figures.lines import LinePanel, line_figure
from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.numbers import number
from runner.report.style import logarithmic_axis, percent_axis
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


def draw_times(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the share that is not yet solved, by step."""
    configurations = with_times(study)
    if not configurations:
        return
    figure = line_figure(study, configurations)
    yield Picture(
        "times",
        "How long a solution takes",
        "Kaplan-Meier estimate; restarts that ended without a solution are censored at the "
        f"budget. {n_restarts_text(study, figure.shown)} Bands are pointwise 95% intervals."
        f"{figure.said}",
        "Falling step curves of the share of restarts that are not yet solved; median steps of "
        "those that are solved: "
        + "; ".join(f"{title(c)}: {number(_median_time(study, c))}" for c in figure.shown),
        tuple(Panel(panel.title, partial(_draw, study, panel)) for panel in figure.panels),
        study.times.loc[[c.index for c in figure.shown]].reset_index(),
        keys=figure.keys,
        shape=figure.shape,
    )


def _draw(study: Study, panel: LinePanel, axes: Axes) -> Tips:
    tips: Tips = {}
    for line in panel.lines:
        c = line.configuration
        table = study.times.loc[c.index]
        most = c.settings.training.max_steps
        # steps on a logarithmic axis: a start that is solved already is drawn at 1
        steps = np.maximum([1, *table.index, most], 1)
        band = table[["unsolved", "ci_low", "ci_high"]].to_numpy()
        values = 100 * np.vstack([np.ones(3), band, band[-1:]])
        left = np.nan_to_num(values[:, 0])
        (drawn,) = axes.step(steps, left, where="post", color=line.colour)
        if not line.behind:
            bounds = (values[:, 1], values[:, 2])
            axes.fill_between(
                steps, *bounds, step="post", color=line.colour, alpha=0.15, linewidth=0
            )
            median = number(float(np.round(_median_time(study, c))))
            tips[drawn] = [f"{title(c)}: a solution took {median} steps (median)"]
    logarithmic_axis(axes, "x", "step")
    percent_axis(axes, "y", "not yet solved, %")
    return tips


def _median_time(study: Study, configuration: Configuration) -> float:
    return study.tallies[configuration.index].solved_quantile(0.5)
