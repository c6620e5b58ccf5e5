"""Axes of a drawing that are axes of the grid, and scales of colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from runner.report.grid_axes import GridAxis
from runner.report.style import logarithmic, put_ticks, tick_text, ticks_at

_BELOW, _THICK = 0.58, 0.09  # inches: a scale of colours, below its panel's axis
_FAR = 30.0  # numbers that are larger than the median by this are drawn on a logarithmic scale


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


def signed_axes(axes: Axes, values: np.ndarray) -> bool:
    """Give axes of numbers of both signs, some of them far out, a scale on which all are seen.

    It is linear up to a power of ten above the median size of ``values`` and logarithmic beyond,
    for all that is drawn already. Return whether it was needed.
    """
    sizes = np.abs(values[np.isfinite(values)])
    median = float(np.median(sizes)) if len(sizes) else 0.0
    reach = float(np.abs(axes.dataLim.get_points()).max())
    if not median or not _FAR * median < reach < math.inf:
        return False
    bound = math.ceil(math.log10(median))
    decades = range(bound, math.floor(math.log10(reach)) + 1)
    step = -(-len(decades) // 3)
    ends = [10.0**k for k in decades[::step]] or [10.0**bound]
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        (axes.set_xscale if name == "x" else axes.set_yscale)("symlog", linthresh=10.0**bound)
        put_ticks(axis, [*(-each for each in reversed(ends)), 0.0, *ends])
    axes.autoscale_view()  # now, as fixed ticks do not ask for it
    return True
