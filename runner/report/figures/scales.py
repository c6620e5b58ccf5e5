"""Axes of a drawing that are axes of the grid, and scales of colours."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from runner.report.grid_axes import GridAxis
from runner.report.style import logarithmic, tick_text, ticks_at

_BELOW, _THICK = 0.58, 0.09  # inches: a scale of colours, below its panel's axis


def scale_axis(axes: Axes, which: str, axis: GridAxis) -> None:
    """Make an axis of a drawing one of the grid, with a tick at each of its values."""
    drawn = axes.xaxis if which == "x" else axes.yaxis
    values = axis.values
    if axis.logarithmic:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        logarithmic(drawn, values[0], values[-1])
    inches = axes.bbox.width if which == "x" else axes.bbox.height
    texts = [tick_text(value) for value in values]
    ticks_at(drawn, values, axis.places(values), texts, inches / axes.figure.dpi)
    drawn.set_label_text(axis.name)


def scale(axes: Axes, image: Any, name: str) -> None:
    """Put the scale of a picture's colours below its axes."""
    inches = axes.bbox.height / axes.figure.dpi
    bar = axes.inset_axes((0.1, -_BELOW / inches, 0.8, _THICK / inches))
    axes.figure.colorbar(image, cax=bar, orientation="horizontal", label=name)
