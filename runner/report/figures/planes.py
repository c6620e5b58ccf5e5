"""The loss in the plane through three classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from runner.report.figures.base import Picture, can_be_evaluated, classified, n_analysed_text
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import drawn
from runner.report.network_outputs import network_losses
from runner.report.numbers import DRAWN_MOST, drawable
from runner.report.style import MOST_PANELS, first, panels

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_GRID = 81  # points along one side of the plane


def draw_planes(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the loss between the representatives of the three largest classes."""
    found = classified(study, landscape)
    configurations = [
        c
        for c in found
        if len(landscape.minima(c)) >= 3
        and can_be_evaluated(c)
        and np.abs(weights(landscape.minima(c).head(3), c)).max() < DRAWN_MOST
    ]
    if configurations:
        yield _picture(landscape, configurations)


def _picture(landscape: Landscape, configurations: list[Configuration]) -> Picture:
    shown = configurations[: MOST_PANELS // 2]
    # the scale below each square is as wide as the square, which its height bounds
    height_, shrink = {1: (5.5, 0.5), 2: (4.6, 0.8)}.get(len(shown), (3.4, 0.9))
    figure, grid = panels(len(shown), height=height_)
    for axes, c in zip(grid, shown, strict=True):
        three = landscape.minima(c).head(3)
        corners = weights(three, c)
        origin = corners[0]
        basis, _ = np.linalg.qr((corners[1:] - origin).T)
        flat = (corners - origin) @ basis
        # a square around them: distances are true in both directions
        middle = 0.5 * (flat.min(axis=0) + flat.max(axis=0))
        reach = 0.8 * max(float(np.ptp(flat, axis=0).max()), 1e-6)
        sides = [np.linspace(m - reach, m + reach, _GRID) for m in middle]
        points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
        surface = network_losses(c, origin[:, None] + basis @ points.T).reshape(_GRID, _GRID)
        height = np.log10(drawable(surface, least=1e-12))
        image = axes.pcolormesh(*sides, height, cmap="viridis", shading="auto", rasterized=True)
        if np.nanmin(height) < np.nanmax(height):
            axes.contour(*sides, height, levels=8, colors="white", linewidths=0.4)
        figure.colorbar(
            image, ax=axes, label="log10 loss", location="bottom", shrink=shrink, aspect=30
        )
        # names of near points one above the other
        for up, place, (_, row) in zip((0, -10, 10), flat, three.iterrows(), strict=True):
            right = place[0] > middle[0]
            axes.plot(*place, "o", color="white", markeredgecolor="black")
            axes.annotate(
                f"class {int(row['class'])}",
                place,
                xytext=(-7 if right else 7, up),
                textcoords="offset points",
                ha="right" if right else "left",
                va="center",
                fontsize=8,
                color="white",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "black", "alpha": 0.6},
            )
        axes.set_title(drawn(c))
        axes.grid(visible=False)
        axes.set_aspect("equal")
    return Picture(
        "planes",
        "The loss between three classes",
        "Loss in the plane through the representatives of the three largest classes, in distances "
        f"between weights, on {_GRID} × {_GRID} points. What lies outside this plane is not seen: "
        f"they may be joined there. {n_analysed_text(landscape, shown)}"
        f"{first(len(configurations), len(shown))}",
        "Colour maps of the loss in the plane through three representatives.",
        figure,
    )
