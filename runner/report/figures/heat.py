"""The share of solved restarts over two ordered axes of the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from runner.report.colours import HEAT, INK
from runner.report.figures.scales import scale_axis
from runner.report.figures.success_texts import success_text
from runner.report.grid_axes import GridAxis
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_TEXTS = 100  # cells of a panel that say their share


def draw_heat(
    study: Study, members: list[Configuration], x: GridAxis, y: GridAxis, axes: Axes
) -> Tips:
    """Draw a cell for each configuration: the fuller its colour, the more are solved."""
    sides = {axis.path: _cells(axis) for axis in (x, y)}
    rows = study.summary.loc[[c.index for c in members]]
    shares = np.nan_to_num(rows["success_rate"].to_numpy(np.float64))
    boxes = []
    for c, share, n in zip(members, shares, rows["n"], strict=True):
        left, right = sides[x.path][x.numbers[c.index]]
        low, high = sides[y.path][y.numbers[c.index]]
        boxes.append(Rectangle((left, low), right - left, high - low))
        if len(members) <= _MOST_TEXTS and n:
            axes.text(
                *(_middle(left, right, x), _middle(low, high, y), f"{100 * share:.0f}"),
                ha="center", va="center", fontsize=7,
            )  # fmt: skip
    scale_axis(axes, "x", x)
    scale_axis(axes, "y", y)
    colours = [(*to_rgb(HEAT), share) for share in shares]
    cells = PatchCollection(boxes, facecolors=colours, edgecolors=INK, linewidths=0.2)
    axes.add_collection(cells)
    axes.set_xlim(*_ends(sides[x.path]))
    axes.set_ylim(*_ends(sides[y.path]))
    axes.grid(visible=False)
    return {cells: [success_text(study, c) for c in members]}


def _cells(axis: GridAxis) -> dict[float, tuple[float, float]]:
    """Return where the cell of each value begins and ends: halfway to its neighbours."""
    places = axis.places(axis.values)
    between = (places[1:] + places[:-1]) / 2
    edges = np.concatenate([[2 * places[0] - between[0]], between, [2 * places[-1] - between[-1]]])
    edges = 10.0**edges if axis.logarithmic else edges
    return {v: (float(edges[k]), float(edges[k + 1])) for k, v in enumerate(axis.values)}


def _middle(low: float, high: float, axis: GridAxis) -> float:
    return float(np.sqrt(low * high)) if axis.logarithmic else (low + high) / 2


def _ends(cells: dict[float, tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in cells.values()), max(high for _, high in cells.values())
