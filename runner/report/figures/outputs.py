"""What the representative of each class computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.report.figures.base import Picture, can_be_evaluated, classified, n_analysed_text
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import drawn, title
from runner.report.network_outputs import network_outputs
from runner.report.numbers import number, percent
from runner.report.style import MOST_PANELS, first, panels

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_GRID = 81  # points along one side of the square of inputs


def draw_outputs(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the output over the square of the two inputs."""
    found = classified(study, landscape)
    configurations = [c for c in found if c.architecture.n_inputs == 2 and can_be_evaluated(c)]
    if configurations:
        yield _picture(landscape, configurations)


def _picture(landscape: Landscape, configurations: list[Configuration]) -> Picture:
    each = max(1, MOST_PANELS // len(configurations))
    chosen = [
        (c, row) for c in configurations for _, row in landscape.minima(c).head(each).iterrows()
    ]
    shown = chosen[:MOST_PANELS]
    # the wider one, unless it leaves more room empty
    columns = min((4, 3), key=lambda wide: -len(shown) % wide)
    figure, grid = panels(len(shown), columns=columns, height=10.4 / columns)
    image = None
    for axes, (c, row) in zip(grid, shown, strict=True):
        table = c.table
        low, high = table.inputs.min(axis=0), table.inputs.max(axis=0)
        pad = 0.5 * (high - low)
        sides = [np.linspace(a, b, _GRID) for a, b in zip(low - pad, high + pad, strict=True)]
        points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
        values = network_outputs(
            c.architecture.require_layers(), weights(pd.DataFrame([row]), c)[0], points
        )[:, -1]
        targets = table.targets[:, -1]
        bottom, top = float(targets.min()), float(targets.max())
        top = top if top > bottom else bottom + 1
        share_ = np.clip((values - bottom) / (top - bottom), -0.25, 1.25).reshape(_GRID, _GRID)
        image = axes.pcolormesh(
            *sides, share_, cmap="PuOr", vmin=0, vmax=1, shading="auto", rasterized=True
        )
        # an output of one half everywhere has no line, only noise
        if share_.min() < 0.45 and share_.max() > 0.55:
            axes.contour(*sides, share_, levels=[0.5], colors="black", linewidths=1)
        for inputs, target in zip(table.inputs, targets, strict=True):
            upper = target > (bottom + top) / 2
            axes.plot(
                *inputs, "o" if upper else "s", color="black" if upper else "white",
                markeredgecolor="black",
            )  # fmt: skip
        axes.set_title(
            f"{drawn(c)}, {row['kind']}\nclass {int(row['class'])}: "
            f"{percent(float(row['share']))}, loss {number(float(row['loss']))}",
            fontsize=9,
        )
        axes.grid(visible=False)
        axes.set_aspect("equal")
        axes.set_xticks(np.unique(table.inputs[:, 0])[:8])
        axes.set_yticks(np.unique(table.inputs[:, 1])[:8])
    if image is not None:
        label = "output, from lower target (0) to upper (1)"
        figure.colorbar(image, ax=grid, label=label, location="bottom", shrink=0.5, aspect=40)
    return Picture(
        "outputs",
        "What each class computes",
        "Output of the representative of each class over the square of its two inputs. Black "
        "discs: patterns whose target is the upper one; white squares: the lower; line: halfway. "
        "Share of the analysed restarts and loss of the largest classes. "
        f"{n_analysed_text(landscape, configurations)}{first(len(chosen), len(shown), 'classes')}",
        "Colour maps of the network's output over its two inputs, one per class: "
        + "; ".join(f"{title(c)} class {int(r['class'])}" for c, r in shown),
        figure,
    )
