"""How many steps a solution takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from runner.report.figures.base import Picture, n_restarts_text, with_times
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn, title
from runner.report.numbers import number
from runner.report.style import MOST_LINES, first, legend, lines_of, single

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


def draw_times(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the share that is not yet solved, by step."""
    if configurations := with_times(study):
        yield _picture(study, configurations)


def _picture(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_LINES]
    figure, axes = single()
    for (colour, style), c in zip(lines_of(len(shown)), shown, strict=True):
        table = study.times.loc[c.index]
        most = c.settings.training.max_steps
        # steps on a logarithmic axis: a start that is solved already is drawn at 1
        steps = np.maximum([1, *table.index, most], 1)
        band = table[["unsolved", "ci_low", "ci_high"]].to_numpy()
        values = np.vstack([np.ones(3), band, band[-1:]])
        line = np.nan_to_num(values[:, 0])
        axes.step(steps, 100 * line, where="post", color=colour, linestyle=style, label=drawn(c))
        axes.fill_between(
            steps,
            100 * values[:, 1],
            100 * values[:, 2],
            step="post",
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
    axes.set(xscale="log", xlabel="step", ylabel="restarts not yet solved, %")
    axes.set_ylim(-2, 102)
    legend(figure, [axes], columns=2)
    return Picture(
        "times",
        "How long a solution takes",
        f"Kaplan-Meier estimate; restarts that ended without a solution are censored at the "
        f"budget. {n_restarts_text(study, shown)} Bands are pointwise 95% intervals."
        f"{first(len(configurations), len(shown))}",
        "Falling step curves of the share of restarts that are not yet solved; median steps of "
        "those that are solved: "
        + "; ".join(f"{title(c)}: {number(_median_time(study, c))}" for c in shown),
        figure,
    )


def _median_time(study: Study, configuration: Configuration) -> float:
    return study.tallies[configuration.index].solved_quantile(0.5)
