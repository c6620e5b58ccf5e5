"""An axis of losses of critical points, which may lie close to each other or far apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from runner.report.numbers import drawable
from runner.report.style import logarithmic, tick_text

_FAR = 30.0  # what is in this part of a linear axis cannot be told from its end
_EQUAL = 1e-9  # relative to the lowest loss, or to 1: what the map's tree takes for one level


def rule(what: str) -> str:
    """Say how the scale is chosen, for captions; ``what`` decides."""
    return (
        f"The axis of losses is linear or, if {what} would be in its lowest thirtieth, the height "
        "above the lowest on a logarithmic scale, at whose end stands what is as low as the lowest."
    )


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
    def of(cls, losses: ArrayLike, joins: ArrayLike = ()) -> LossAxis:
        """Choose the scale for some losses, at least one of them finite.

        It is logarithmic if the lowest join, or without joins half of what is above the lowest
        loss, would be in the lowest thirtieth of a linear axis.
        """
        values = drawable(losses)
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        heights, joined = _above(values, low), _above(drawable(joins), low)
        if not len(heights):
            return cls(low, high, 0.0)
        height = float(joined.min() if len(joined) else np.median(heights))
        far = height * _FAR < high - low
        return cls(low, high, float(heights.min()) / 3 if far else 0.0)

    def places(self, losses: ArrayLike) -> np.ndarray:
        """Return where losses stand on the axis."""
        values = drawable(losses)
        if not self.foot:
            return values
        heights = values - self.low
        return np.where(heights > _least(self.low), heights, self.foot)

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
        pad = 0.08 * span if span > _least(self.low) else 0.5 * abs(self.low) or 1.0
        limits(self.low - pad, self.high + pad)
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(float(value))))
        axis.set_label_text(name)


def _least(low: float) -> float:
    """Return the height up to which a loss is as low as the lowest."""
    return _EQUAL * max(abs(low), 1.0)


def _above(values: np.ndarray, low: float) -> np.ndarray:
    """Return the heights of what is above the lowest."""
    heights = values - low
    return np.asarray(heights[heights > _least(low)])
