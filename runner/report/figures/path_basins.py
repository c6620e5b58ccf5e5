"""Basins beside the lowest way: the plane of its minima and its highest saddle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from runner.report.colours import INK, LABEL_COLOURS, OTHER, UNSOLVED, class_colours
from runner.report.figures.base import Key, Panel
from runner.report.figures.basins import area, boxes
from runner.report.landscape_tables import Landscape, weights
from runner.report.numbers import number, percent
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration

INFINITY = Key("leads to infinity", UNSOLVED)
"""Of starts from which weights grow without bound."""

UNKNOWN = Key("to a smaller basin, or to what the map has not", OTHER)
"""Of starts that lead to a point without a colour of its own."""

MINIMUM = Key("minimum", LABEL_COLOURS["minimum"], "o")
SADDLE = Key("saddle", LABEL_COLOURS["saddle"], "o")
"""Marks on ways."""

_NAMED = 0.01  # share of the starts, smaller than which a basin has no name in the picture
_NONE, _AWAY = -1, -2  # in place of a class


@dataclass(frozen=True)
class _Square:
    """The starts of one configuration."""

    x: np.ndarray
    """(side,)."""
    y: np.ndarray
    """(side,)."""
    classes: np.ndarray
    """(side, side) int: where each leads, `_NONE` or `_AWAY`."""
    kinds: dict[int, str]
    """Class -> kind of critical point, that of the largest basin first."""
    losses: dict[int, float]
    """Class -> its loss."""
    way: pd.DataFrame
    """Stations of the way, with columns x, y, loss, and the class of a stop or -1."""

    @property
    def colours(self) -> dict[int, str]:
        """Colours of classes and of what is in place of one."""
        kinds = {"class": list(self.kinds), "kind": list(self.kinds.values())}
        own = class_colours(pd.DataFrame(kinds).replace("transition state", "saddle"))
        return own | {_AWAY: UNSOLVED}

    @property
    def shown(self) -> np.ndarray:
        """`classes`, with `_NONE` for those without a colour."""
        return np.where(np.isin(self.classes, list(self.colours)), self.classes, _NONE)

    @property
    def said(self) -> str:
        """The largest basins in a few words."""
        parts = [f"class {k} {percent(float((self.classes == k).mean()))}" for k in self.kinds]
        return "basins: " + ", ".join(parts[:3]) + (", …" if len(parts) > 3 else "")


def basins_panel(
    landscape: Landscape, c: Configuration, legs: Sequence[pd.DataFrame], title: str
) -> tuple[Panel, list[Key]] | None:
    """Return the panel of a configuration's basins and what its legend needs; None without any.

    Parameters
    ----------
    landscape : Landscape
    c : Configuration
    legs : sequence of DataFrame
        The paths of the lowest way, with loss, class of a stop or -1, and weights.
    title : str
    """
    square = _square(landscape, c, legs)
    if square is None:
        return None
    keys = [
        key for key, code in ((INFINITY, _AWAY), (UNKNOWN, _NONE)) if (square.shown == code).any()
    ]
    return Panel(title, partial(_draw, square), square.said), keys


def _square(landscape: Landscape, c: Configuration, legs: Sequence[pd.DataFrame]) -> _Square | None:
    from runner.mapping.continuous_ways import continuous

    table = landscape.of("basins", c)
    side = math.isqrt(len(table))
    if side < 2 or side**2 != len(table):
        return None
    x, y = (table[name].to_numpy().reshape(side, side) for name in ("x", "y"))
    if not (np.diff(x[0]) > 0).all() or not (np.diff(y[:, 0]) > 0).all():
        return None  # a table from elsewhere
    through = [k for k, leg in enumerate(legs) if leg["stop"].eq(table["saddle"].iloc[0]).any()]
    if not through:
        return None
    # three starts tell the plane, as weights are linear in x and y
    place = weights(table, c)
    first = (place[side - 1] - place[0]) / (x[0, -1] - x[0, 0])
    second = (place[-side] - place[0]) / (y[-1, 0] - y[0, 0])
    begin, parts = continuous(c.symmetries, [weights(leg, c) for leg in legs], through[0])
    way = pd.concat(legs[begin : begin + len(parts)], ignore_index=True)
    off = np.concatenate(parts) - place[0]
    way = way.assign(x=x[0, 0] + off @ first, y=y[0, 0] + off @ second)
    known = table[table["class"] >= 0]
    counts = known["class"].value_counts()
    ends = known.drop_duplicates("class").set_index("class")
    order = sorted(counts.index, key=lambda k: (-counts[k], k))
    away = (table["outcome"] == "infinity").to_numpy()
    classes = np.where(away, _AWAY, table["class"].to_numpy())
    return _Square(
        x[0],
        y[:, 0],
        classes.reshape(side, side),
        {int(k): str(ends["outcome"][k]) for k in order},
        {int(k): float(ends["loss"][k]) for k in order},
        way,
    )


def _draw(square: _Square, axes: Axes) -> Tips:
    side = len(square.x)
    step = np.array([np.ptp(square.x), np.ptp(square.y)]) / (side - 1)
    corner = np.array([square.x[0], square.y[0]]) - step / 2
    axes.set(xlim=corner[0] + [0, side * step[0]], ylim=corner[1] + [0, side * step[1]])
    shown = square.shown
    tips: Tips = {}
    codes = [*square.colours, _NONE]
    ranks = np.select([shown == code for code in codes], range(len(codes)), -1)
    found = boxes(ranks)
    for rank, code in enumerate(codes):
        own = found[found[:, 0] == rank, 1:]
        if not len(own):
            continue
        shape = area(own * np.tile(step, 2) + np.tile(corner, 2))
        patch = PathCollection([shape], facecolors=square.colours.get(code, OTHER), linewidths=0)
        axes.add_collection(patch)
        told = f"leads to class {code}: loss {number(square.losses[code])}" if code >= 0 else ""
        tips[patch] = [told or (INFINITY if code == _AWAY else UNKNOWN).text]
        if code >= 0 and (shown == code).mean() >= _NAMED:
            row, column = deepest(shown == code)
            _name(axes, f"class {code}", corner + step * (column + 0.5, row + 0.5))
    way = square.way
    axes.plot(way["x"], way["y"], "-", color=INK, linewidth=1.2)
    top = way["stop"].ge(0).to_numpy()
    ends = np.isin(np.arange(len(way)), [0, len(way) - 1])
    for key, which in ((MINIMUM, ends), (SADDLE, top)):
        (marks,) = axes.plot(
            way["x"][which], way["y"][which], key.mark, color=key.colour, markersize=4,
            markeredgecolor="#fefefe", markeredgewidth=0.6,
        )  # fmt: skip
        tips[marks] = [f"loss {loss:.7g}" for loss in way["loss"][which]]
    axes.set(xlabel="distance between weights", ylabel="distance between weights")
    axes.locator_params(nbins=5)
    axes.grid(visible=False)
    return tips


def _name(axes: Axes, text: str, place: np.ndarray) -> None:
    axes.annotate(
        text,
        (float(place[0]), float(place[1])),
        ha="center",
        va="center",
        fontsize=6.5,
        color="#fefefe",
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "#101010", "alpha": 0.6},
    )


def deepest(cells: np.ndarray) -> tuple[int, int]:
    """Return row and column of a cell (bool) that is as far from all cells that are not, as any."""
    inner = np.pad(cells, 1)
    while True:
        core = inner.copy()
        for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            core &= np.roll(inner, shift, axis)
        if not core.any():
            row, column = np.argwhere(inner)[0] - 1
            return int(row), int(column)
        inner = core
