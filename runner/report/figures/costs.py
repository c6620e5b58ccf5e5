"""When to give a restart up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.report.figures.base import Picture, n_restarts_text, with_times
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn, title
from runner.report.numbers import number
from runner.report.style import MOST_LINES, first, legend, lines_of, single
from runner.study.statistics.strategies import cutoff_costs

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


def draw_costs(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the expected steps per solution by cutoff."""
    if configurations := with_times(study):
        yield _picture(study, configurations)


def _picture(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_LINES]
    figure, axes = single()
    for (colour, style), c in zip(lines_of(len(shown)), shown, strict=True):
        tally = study.tallies[c.index]
        steps = np.maximum(tally.steps, 1)
        cutoffs, costs = cutoff_costs(steps, tally.solved.sum(axis=1), tally.ended)
        axes.plot(cutoffs, costs, color=colour, linestyle=style, label=drawn(c))
        row: Any = study.strategies.loc[c.index]
        axes.plot(row["best_cutoff"], row["best_cost"], "o", color=colour)
        # at the right edge, whatever the cutoffs
        edge = axes.get_yaxis_transform()
        axes.plot(1.0, row["luby_cost"], "<", color=colour, transform=edge, clip_on=False)
    axes.set(xscale="log", yscale="log", xlabel="cutoff, steps")
    axes.set_ylabel("expected steps per solution")
    legend(figure, [axes], columns=2)
    return Picture(
        "costs",
        "When to give up and start again",
        "Expected steps until a restart is solved if each is given up after the cutoff; dots: the "
        "best cutoff; triangles at the right edge: Luby's universal schedule, which has no "
        f"cutoff. {n_restarts_text(study, shown)}"
        f"{first(len(configurations), len(shown))}",
        "Curves of expected cost against the cutoff; the best: "
        + "; ".join(
            f"{title(c)}: {number(study.strategies.loc[c.index, 'best_cost'])} steps at a cutoff "
            f"of {number(study.strategies.loc[c.index, 'best_cutoff'])}"
            for c in shown
        ),
        figure,
    )
