"""How the share of solved restarts grows with the step budget."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from runner.report.figures.base import Panel, Picture, n_restarts_text, with_times
from runner.report.figures.lines import LinePanel, line_figure
from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.numbers import percent
from runner.report.style import logarithmic_axis, percent_axis
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.study.study import Study


def draw_budgets(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the share that is solved within a budget."""
    configurations = with_times(study)
    if not configurations:
        return
    figure = line_figure(study, configurations)
    ends = [(c, study.budgets.loc[c.index].iloc[-1]) for c in figure.shown]
    yield Picture(
        "budgets",
        "Success depends on the step budget",
        f"{n_restarts_text(study, figure.shown)} Bands are pointwise 95% Wilson intervals; a "
        f"configuration's points are counted on the same restarts.{figure.said}",
        "Curves of the solved share against the step budget, rising to "
        + "; ".join(f"{percent(e['success_rate'])} for {title(c)}" for c, e in ends),
        tuple(Panel(panel.title, partial(_draw, study, panel)) for panel in figure.panels),
        study.budgets.loc[[c.index for c in figure.shown]].reset_index(),
        keys=figure.keys,
        shape=figure.shape,
        table="budgets",
    )


def _draw(study: Study, panel: LinePanel, axes: Axes) -> Tips:
    tips: Tips = {}
    for line in panel.lines:
        c = line.configuration
        table = study.budgets.loc[c.index]
        shares = 100 * table["success_rate"]
        (drawn,) = axes.plot(table.index, shares, color=line.colour)
        if not line.behind:
            bounds = (100 * table["ci_low"], 100 * table["ci_high"])
            axes.fill_between(table.index, *bounds, color=line.colour, alpha=0.15, linewidth=0)
            end = percent(table["success_rate"].iloc[-1])
            tips[drawn] = [f"{title(c)}: {end} within {int(table.index[-1]):,} steps"]
    logarithmic_axis(axes, "x", "step budget")
    percent_axis(axes, "y", "solved within it, %")
    return tips
