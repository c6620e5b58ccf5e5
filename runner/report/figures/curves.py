"""How the loss of a restart falls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import LogLocator

from runner.errors.messages import counted
from runner.report.figures.base import Picture, from_random_starts, sampled_restarts
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn
from runner.report.numbers import DRAWN_MOST, drawable
from runner.report.style import LABEL_COLOURS, MOST_PANELS, first, legend, panels
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


def draw_curves(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the recorded loss curves."""
    if (configurations := from_random_starts(study)) and len(study.curves):
        yield _picture(study, configurations)


def _picture(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_PANELS]
    figure, grid = panels(len(shown))
    curves = study.curves.set_index(["configuration", "restart"])
    for axes, c in zip(grid, shown, strict=True):
        labels: dict[Any, str] = sampled_restarts(study, c)["label"].astype(str).to_dict()
        lines: dict[str, list[np.ndarray]] = {}
        if c.index in curves.index.get_level_values(0):
            for restart, curve in curves.loc[c.index].groupby(level="restart"):
                points = np.column_stack([curve["step"] + 1, drawable(curve["loss"])])
                points = points[points[:, 1] > 0]
                points[:, 1] = np.maximum(points[:, 1], 1 / DRAWN_MOST)
                lines.setdefault(labels[restart], []).append(points)
        for label in LABELS:
            if label in lines:
                axes.add_collection(
                    LineCollection(
                        lines[label],
                        colors=LABEL_COLOURS[label],
                        linewidths=0.6,
                        alpha=0.5,
                        label=label,
                        rasterized=True,
                    )
                )
        n = sum(map(len, lines.values()))
        axes.set_title(f"{drawn(c)}\nfirst {n:,} of {len(labels):,}")
        axes.set(xscale="log", yscale="log", xlabel="step + 1")
        axes.autoscale_view()
        low, high = axes.get_ylim()
        if high < 30 * low:
            # within a power of ten or two: plain numbers, and more of them
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5, 7)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
    grid[0].set_ylabel("loss")
    legend(figure, grid)
    return Picture(
        "curves",
        "How the loss falls",
        f"Loss of the first {counted(study.plan.n_curves, 'restart')} of each configuration at "
        f"log-spaced steps, coloured by final label.{first(len(configurations), len(shown))}",
        "Lines of the loss against the step, both logarithmic, coloured by the restart's label.",
        figure,
    )
