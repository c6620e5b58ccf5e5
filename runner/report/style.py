"""How figures look: sizes, settings of Matplotlib, ticks that do not overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, YAxis
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

from runner.report.colours import GRID, INK

MOST_PANELS = 12
"""Panels of one figure."""

MOST_LINES = 8
"""Lines of one panel that have a colour of their own."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NARROW = 100  # a logarithmic axis whose ends differ by less has ticks between powers of ten
_LINE = 0.12  # inches: the height of a tick's text
_STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    # a dollar sign in a table's name is no mathematics
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "runner",
    "savefig.dpi": 150,
    "figure.dpi": 150,
}


@dataclass(frozen=True)
class Shape:
    """The size of a panel and of its margins, in inches."""

    width: float
    """The whole panel's."""
    height: float
    """The whole panel's."""
    left: float = 0.58
    """For the names of ticks and axis."""
    bottom: float = 0.42
    """Likewise."""
    right: float = 0.12
    """For half a tick's name."""
    top: float = 0.1
    """For half a tick's name, or texts above the axes."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Where the axes lie: left, bottom, width and height as shares of the panel."""
        width = self.width - self.left - self.right
        height = self.height - self.bottom - self.top
        return (
            self.left / self.width,
            self.bottom / self.height,
            width / self.width,
            height / self.height,
        )


SINGLE = Shape(3.9, 2.6)
"""A panel that is a figure by itself: its texts can be read on a telephone."""

PANEL = Shape(3.2, 2.2)
"""One of several."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's style, whatever the process's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def tick_text(value: float) -> str:
    """Return a number as an axis shows it: powers of ten where zeros would be many."""
    size = abs(value)
    if value == 0 or 1e-3 <= size < 1e5:
        return f"{value:,.6g}".replace("-", "−")
    power = math.floor(math.log10(size) + 1e-9)
    factor = value / 10.0**power
    digits = f"10{str(power).translate(_SUPERSCRIPTS)}"
    return digits if abs(factor - 1) < 1e-6 else f"{factor:.3g}·{digits}".replace("-", "−")


def logarithmic(axis: Axis, low: float, high: float) -> None:
    """Put the ticks of a logarithmic axis from low to high, and their names."""
    subs = (1.0, 2.0, 5.0) if high < _NARROW * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(float(value))))
    axis.set_minor_locator(NullLocator())


def logarithmic_axis(axes: Axes, which: str, text: str) -> None:
    """Make an axis a logarithmic one of what is drawn already."""
    axes.set(**{f"{which}scale": "log", f"{which}label": text})
    axis, (low, high) = (
        (axes.xaxis, axes.get_xlim()) if which == "x" else (axes.yaxis, axes.get_ylim())
    )
    logarithmic(axis, low, high)


def ticks_at(
    axis: Axis, values: Sequence[float], places: np.ndarray, texts: Sequence[str], inches: float
) -> None:
    """Put ticks at values, with the texts that there is room for on an axis of this length.

    ``places`` are where the values lie on a scale of equal steps. Both ends come first.
    """
    span = float(np.ptp(places)) or 1.0
    upright = isinstance(axis, YAxis)
    order = dict.fromkeys([0, len(places) - 1, *range(len(places))])
    kept: list[int] = []
    for k in order:
        letters = [len(texts[k]) + len(texts[other]) for other in kept]
        room = [_LINE if upright else 0.035 * n + 0.06 for n in letters]
        apart = [abs(places[k] - places[other]) / span * inches for other in kept]
        if all(a > r for a, r in zip(apart, room, strict=True)):
            kept.append(k)
    named = {k: texts[k] for k in kept}
    put_ticks(axis, values, [named.get(k, "") for k in range(len(places))])


def put_ticks(axis: Axis, values: Sequence[float], texts: Sequence[str] | None = None) -> None:
    """Put ticks at values, with these texts or the values' own.

    Matplotlib's `set_ticks` makes the ticks at once, which a page has no use for.
    """
    axis.set_major_locator(FixedLocator(list(values)))
    given = FuncFormatter(lambda value, _: tick_text(float(value)))
    axis.set_major_formatter(given if texts is None else FixedFormatter(list(texts)))


def percent_axis(axes: Axes, which: str, text: str) -> None:
    """Make an axis one of shares in percent."""
    bounds, ticks = (-2.0, 102.0), [0, 20, 40, 60, 80, 100]
    if which == "x":
        axes.set_xlim(*bounds)
        put_ticks(axes.xaxis, ticks)
        axes.set_xlabel(text)
    else:
        axes.set_ylim(*bounds)
        put_ticks(axes.yaxis, ticks)
        axes.set_ylabel(text)
