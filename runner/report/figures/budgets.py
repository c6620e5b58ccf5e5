"""How the share of solved restarts grows with the step budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.report.figures.base import Picture, n_restarts_text, with_times
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn, title
from runner.report.numbers import percent
from runner.report.style import MOST_LINES, first, legend, lines_of, single

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


def draw_budgets(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the share that is solved within a budget."""
    if configurations := with_times(study):
        yield _picture(study, configurations)


def _picture(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_LINES]
    figure, axes = single()
    for (colour, style), c in zip(lines_of(len(shown)), shown, strict=True):
        table = study.budgets.loc[c.index]
        axes.plot(
            table.index, 100 * table["success_rate"], color=colour, linestyle=style, label=drawn(c)
        )
        bounds = (100 * table["ci_low"], 100 * table["ci_high"])
        axes.fill_between(table.index, *bounds, color=colour, alpha=0.2, linewidth=0)
    axes.set(xscale="log", xlabel="step budget", ylabel="restarts solved within it, %")
    axes.set_ylim(-2, 102)
    legend(figure, [axes], columns=2)
    ends = [study.budgets.loc[c.index].iloc[-1] for c in shown]
    return Picture(
        "budgets",
        "Success depends on the step budget",
        f"{n_restarts_text(study, shown)} Bands are pointwise 95% Wilson intervals; a "
        "configuration's points are counted on the same restarts."
        f"{first(len(configurations), len(shown))}",
        "Curves of the solved share against the step budget, rising to "
        + "; ".join(
            f"{percent(e['success_rate'])} for {title(c)}" for c, e in zip(shown, ends, strict=True)
        ),
        figure,
    )
