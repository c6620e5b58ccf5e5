"""The loss in the plane through three classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.report.colours import ORDERED_MAP
from runner.report.figures.base import (
    Panel,
    Picture,
    can_be_evaluated,
    classified,
    n_analysed_text,
)
from runner.report.figures.choice import chosen, telling
from runner.report.figures.scales import scale
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import loss_name, title
from runner.report.network_outputs import network_losses
from runner.report.numbers import DRAWN_MOST, drawable, number
from runner.report.style import MOST_PANELS, Shape
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_GRID = 81  # points along one side of the plane
_SHAPE = Shape(3.2, 3.5, bottom=0.95)
_NAME = (40.0, 10.5)  # points: width, with the way to its point, and height of a class's name
_ABOVE = (0.0, -11.0, 11.0, -22.0, 22.0)  # points from a class up to its name, the best first


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
    if not configurations:
        return
    shown = telling(study, configurations, MOST_PANELS // 2)
    yield Picture(
        "planes",
        "The loss between three classes",
        "Loss, on a logarithmic scale and the darker the higher, in the plane through the "
        "representatives of the three largest classes, in distances between weights, on "
        f"{_GRID} × {_GRID} points. What lies outside this plane is not seen: they may be joined "
        f"there. {n_analysed_text(landscape, shown)}{chosen(len(configurations), len(shown))}",
        "Maps of the loss in the plane through three representatives.",
        tuple(Panel(title(c), partial(_draw, landscape, c)) for c in shown),
        pd.DataFrame(),
        shape=_SHAPE,
        table="minima",
    )


def _draw(landscape: Landscape, c: Configuration, axes: Axes) -> Tips:
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
    ends = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    image = axes.imshow(height, origin="lower", extent=ends, cmap=ORDERED_MAP, aspect="auto")
    if np.nanmin(height) < np.nanmax(height):
        axes.contour(*sides, height, levels=8, colors="#ffffff", linewidths=0.4)
    tips: Tips = {}
    side = 72 * axes.bbox.height / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    spots = (flat - middle) / (2 * reach) * side  # in points, from the middle
    for up, spot, place, (_, row) in zip(apart(spots), spots, flat, three.iterrows(), strict=True):
        right = spot[0] > 0
        (mark,) = axes.plot(*place, "o", color="#fefefe", markeredgecolor="#101010")
        axes.annotate(
            f"class {int(row['class'])}",
            place,
            xytext=(-7 if right else 7, up),
            textcoords="offset points",
            ha="right" if right else "left",
            va="center",
            fontsize=7,
            color="#fefefe",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "#101010", "alpha": 0.6},
        )
        tips[mark] = [f"class {int(row['class'])}, {row['kind']}: loss {number(row['loss'])}"]
    axes.set(xlabel="distance between weights", ylabel="distance between weights")
    axes.locator_params(nbins=5)
    axes.grid(visible=False)
    scale(axes, image, f"log₁₀ of the {loss_name([c])}")
    return tips


def apart(spots: np.ndarray) -> list[float]:
    """Return how far above its point each name stands, so that none covers another's.

    Parameters
    ----------
    spots : ndarray, shape (n, 2)
        The points, as points of type from the middle; names are on the side towards it.
    """
    found: list[float] = []
    placed: list[tuple[float, float]] = []
    for x, y in spots:
        middle = x + (-1 if x > 0 else 1) * _NAME[0] / 2
        free = (
            up
            for up in _ABOVE
            if all(abs(middle - a) > _NAME[0] or abs(y + up - b) > _NAME[1] for a, b in placed)
        )
        found.append(next(free, 0.0))
        placed.append((middle, y + found[-1]))
    return found
