"""An axis of losses of critical points, which may lie close to each other or far apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from runner.report.numbers import drawable
from runner.report.style import logarithmic, tick_text

_FAR = 30.0  # half of the losses in this part of a linear axis could not be told apart
_EQUAL = 1e-9  # relative to the lowest loss, or to 1: what the map's tree takes for one level

RULE = (
    "The axis of losses is linear; where half of the losses that lie above the lowest would be in "
    "its lowest thirtieth it is the height above the lowest, on a logarithmic scale, and what is "
    "as low as the lowest stands at its end."
)
"""How the scale is chosen, for captions."""


@dataclass(frozen=True)
class LossAxis:
    """The scale of one panel's losses."""

    low: float
    """The lowest loss."""
    high: float
    """The highest loss."""
    foot: float
    """Where the lowest stands on a logarithmic axis of heights; 0 on a linear one of losses."""

    @classmethod
    def of(cls, losses: ArrayLike) -> LossAxis:
        """Choose the scale for some losses, at least one of them finite."""
        values = drawable(losses)
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        heights = values - low
        heights = heights[heights > _EQUAL * max(abs(low), 1.0)]
        far = len(heights) > 0 and float(np.median(heights)) * _FAR < high - low
        return cls(low, high, float(heights.min()) / 3 if far else 0.0)

    def places(self, losses: ArrayLike) -> np.ndarray:
        """Return where losses stand on the axis."""
        values = drawable(losses)
        if not self.foot:
            return values
        heights = values - self.low
        return np.where(heights > _EQUAL * max(abs(self.low), 1.0), heights, self.foot)

    def put(self, axes: Axes, which: str, name: str) -> None:
        """Make an axis of a drawing this one; ``name`` is what the loss is called."""
        axis = axes.xaxis if which == "x" else axes.yaxis
        limits = axes.set_xlim if which == "x" else axes.set_ylim
        if self.foot:
            (axes.set_xscale if which == "x" else axes.set_yscale)("log")
            top = self.high - self.low
            pad = (top / self.foot) ** 0.08
            limits(self.foot / pad, top * pad)
            logarithmic(axis, self.foot, top)
            axis.set_label_text(name.replace("loss", "loss above the lowest", 1))
            return
        span = self.high - self.low
        pad = 0.08 * span if span > _EQUAL * max(abs(self.low), 1.0) else 0.5 * abs(self.low) or 1.0
        limits(self.low - pad, self.high + pad)
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(float(value))))
        axis.set_label_text(name)
