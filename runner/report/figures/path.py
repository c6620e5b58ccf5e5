"""The loss along the lowest known way between the two best minima."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.report.colours import INK
from runner.report.figures.base import Panel, Picture, can_be_evaluated
from runner.report.figures.choice import chosen, telling
from runner.report.figures.decision import KEYS, draw_decision, drawn_output
from runner.report.figures.path_basins import MINIMUM, SADDLE, basins_panel
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import loss_name, title
from runner.report.numbers import number
from runner.report.style import MOST_PANELS, Shape, put_ticks
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.mapping.lowest_paths import Leg
    from runner.study.study import Study

_SHAPE = Shape(3.8, 3.0)
_MAPS = 5  # of the network along the way
_GRID, _MARK = 41, 2.5  # of a map: points along one side, and a pattern's mark in points
_ROOM = 0.36  # share of a panel's height above the line, for the maps
_NUMBERS_APART = 9.0  # points in one direction, nearer than which two of them would overlap
_STOPS = (MINIMUM, SADDLE)
_BASINS = (
    "Beside it, basins, in the plane of the two minima and of the highest saddle between them: "
    "each start of a grid has the colour of the class to which steepest descent leads from it. "
    "The line is the way, as far as it is seen from above. Every start is in study.basins. "
)


@dataclass(frozen=True)
class _Way:
    """What a panel shows."""

    stations: pd.DataFrame
    """In order, with distance from the first minimum, loss, class of a stop or -1, and weights."""
    ends: tuple[int, int]
    """Classes of the two minima."""
    legs: list[pd.DataFrame]
    """The stations of each of its paths, as they were followed."""

    @property
    def top(self) -> int:
        """Position of the highest station."""
        return int(np.argmax(self.stations["loss"].to_numpy()))

    @property
    def said(self) -> str:
        """The way in a few words."""
        loss = self.stations["loss"]
        return (
            f"from class {self.ends[0]} ({number(loss.iloc[0])}) over {number(loss.max())} to "
            f"class {self.ends[1]} ({number(loss.iloc[-1])})"
        )


def draw_path(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the profile of the lowest way of each configuration that is mapped."""
    configurations = [c for c in study.plan.configurations if _pair(landscape, c) is not None]
    shown = telling(study, configurations, MOST_PANELS // 2)
    found = [(c, way) for c in shown if (way := _way(landscape, c)) is not None]
    if not found:
        return
    surfaces = any(_has_maps(c) for c, _ in found)
    beside = {c.index: basins_panel(landscape, c, way.legs, title(c)) for c, way in found}
    found.sort(key=lambda item: beside[item[0].index] is None)  # pairs stay side by side
    panels, keys = [], dict.fromkeys(_STOPS)
    for c, way in found:
        panels.append(Panel(title(c), partial(_draw, c, way), way.said))
        if (basins := beside[c.index]) is not None:
            panels.append(basins[0])
            keys |= dict.fromkeys(basins[1])
    told = (
        "Above it, what the network computes at its ends, at its highest point and halfway between "
        "these: the darker the higher, discs and squares are the patterns."
        f"{drawn_output(c for c, _ in found if _has_maps(c))} "
    )
    yield Picture(
        "path",
        "The lowest way between the two best minima",
        "Loss along the lowest known way between the two lowest classes of minima: up a path of "
        "steepest descent to a saddle and down on its other side, once or more often. Of ways that "
        "rise to the same loss it is the shortest. Distances are between weights. "
        f"{told if surfaces else ''}{_BASINS if len(panels) > len(found) else ''}"
        f"{chosen(len(configurations), len(shown))}".strip(),
        "Lines of the loss along the lowest way. "
        + "; ".join(f"{title(c)}: {way.said}" for c, way in found),
        tuple(panels),
        pd.concat([_data(c, way) for c, way in found], ignore_index=True),
        keys=(*keys, *(KEYS if surfaces else ())),
        shape=_SHAPE,
        columns=2,
    )


def _has_maps(c: Configuration) -> bool:
    return c.architecture.n_inputs == 2 and can_be_evaluated(c)


def _pair(landscape: Landscape, c: Configuration) -> tuple[int, int] | None:
    """Return the two lowest classes of minima, where there are two and the paths are known."""
    points = landscape.of("critical_points", c)
    if points.empty or landscape.of("paths", c).empty:
        return None
    minima = points.loc[points["index"] == 0, "class"]
    return (int(minima.iloc[0]), int(minima.iloc[1])) if len(minima) > 1 else None


def _way(landscape: Landscape, c: Configuration) -> _Way | None:
    # here, as most pages are of studies without a map, and these bring half of SciPy
    from runner.mapping.lowest_paths import lowest_way
    from runner.mapping.trees import ClassTree

    pair, tree = _pair(landscape, c), landscape.of("tree", c)
    transitions = landscape.of("transitions", c)
    if pair is None or tree.empty or transitions.empty:
        return None
    if not set(pair) <= set(tree.loc[tree["kind"] == "minimum", "class"]):
        return None  # tables from elsewhere, as the study's own have each minimum in both
    join = ClassTree(tree).connection(*pair)
    if join is None:
        return None
    legs = lowest_way(transitions, *pair, join["loss"])
    parts = _parts(landscape.of("paths", c), legs)
    return _Way(_stations(parts), pair, parts) if parts else None


def _parts(paths: pd.DataFrame, legs: list[Leg]) -> list[pd.DataFrame]:
    """Return the stations of each leg of a way; none where those of a leg are not stored."""
    by_path = dict(list(paths.groupby(["class", "side"])))
    parts, walked = [], 0.0
    for leg in legs:
        own = by_path.get((leg.saddle, leg.side))
        if own is None:
            return []
        whole = own["distance"].max()
        part = own if leg.down else own.iloc[::-1].assign(distance=whole - own["distance"])
        stop = np.where(part["station"] == 0, leg.saddle, -1)
        parts.append(part.assign(distance=walked + part["distance"], stop=stop))
        walked += whole
    return parts


def _stations(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the stations of a way: where a leg ends the next one begins, at one of them."""
    found = pd.concat(parts, ignore_index=True).drop(columns=["class", "side", "station"])
    # one row of both, a saddle if either says so
    place = (found["distance"] != found["distance"].shift(1)).cumsum()
    stops = found.groupby(place)["stop"].max().to_numpy()
    return found[~place.duplicated()].reset_index(drop=True).assign(stop=stops)


def _data(c: Configuration, way: _Way) -> pd.DataFrame:
    columns = way.stations[["configuration", "distance", "loss", "stop"]]
    return columns.assign(title=title(c))


def _draw(c: Configuration, way: _Way, axes: Axes) -> Tips:
    distance, loss = (way.stations[name].to_numpy() for name in ("distance", "loss"))
    axes.plot(distance, loss, "-", color=INK, linewidth=1.2)
    tips: Tips = {}
    stops = way.stations["stop"].to_numpy()
    lowest = np.array([0, len(loss) - 1])
    saddles = np.flatnonzero(stops >= 0)
    for key, places, names in (
        (_STOPS[0], lowest, list(way.ends)),
        (_STOPS[1], saddles, stops[saddles].tolist()),
    ):
        (marks,) = axes.plot(
            distance[places], loss[places], key.mark, color=key.colour, markersize=4
        )
        tips[marks] = [
            f"{key.text} of class {name}: loss {loss[k]:.7g}"
            for k, name in zip(places, names, strict=True)
        ]
    low, high = float(loss.min()), float(loss.max())
    span = high - low if high > low else 1.0
    room = _ROOM if _has_maps(c) else 0.0
    axes.set_ylim(low - 0.08 * span, low - 0.08 * span + 1.2 * span / (1 - room))
    axes.set(xlabel="distance along the way", ylabel=loss_name([c]))
    axes.locator_params(nbins=6)
    if room:
        tips |= _draw_maps(c, way, axes)
    return tips


def _draw_maps(c: Configuration, way: _Way, axes: Axes) -> Tips:
    """Draw what the network computes along the way, numbered as the places on the line."""
    tips: Tips = {}
    place = weights(way.stations, c)
    distance, loss = way.stations["distance"].to_numpy(), way.stations["loss"].to_numpy()
    chosen_ = spread(distance, way.top)
    for k, at in enumerate(chosen_):
        box = axes.inset_axes(((k + 0.1) / _MAPS, 1.02 - _ROOM, 0.8 / _MAPS, _ROOM - 0.06))
        tips |= draw_decision(c, place[at], box, _GRID, _MARK)
        put_ticks(box.xaxis, [])
        put_ticks(box.yaxis, [])
        box.set_xlabel(str(k + 1), labelpad=1, fontsize=6.5)
    number_places(axes, distance, loss, chosen_)
    return tips


def number_places(axes: Axes, distance: np.ndarray, loss: np.ndarray, places: list[int]) -> None:
    """Write 1, 2, ... at stations of the line; at those that are too near to each other once."""
    axes.margins(x=0.1)  # room for two numbers beside an end of the line
    axes.autoscale_view()
    at = np.column_stack([distance, loss])[places]
    points = axes.transData.transform(at) * 72 / axes.figure.dpi
    apart = (np.abs(np.diff(points, axis=0)) >= _NUMBERS_APART).any(axis=1)
    for together in np.split(np.arange(len(places)), np.flatnonzero(apart) + 1):
        place = max((places[k] for k in together), key=lambda k: loss[k])
        before, after = loss[max(place - 1, 0)], loss[min(place + 1, len(loss) - 1)]
        # at the top above the line, else on the side from which it comes up or to which it goes
        side = 0 if loss[place] >= max(before, after) else int(np.sign(after - before))
        axes.annotate(
            ", ".join(str(k + 1) for k in together),
            (distance[place], loss[place]),
            (-4 * side, 0 if side else 4),
            textcoords="offset points",
            ha=("center", "right", "left")[side],
            va="bottom",
            fontsize=6.5,
        )


def spread(distance: np.ndarray, top: int) -> list[int]:
    """Return the stations at both ends, at the top, and nearest to halfway between these."""
    marks = [0, top, len(distance) - 1]
    halves = [
        int(np.argmin(np.abs(distance - (distance[a] + distance[b]) / 2)))
        for a, b in itertools.pairwise(marks)
    ]
    return [marks[0], halves[0], marks[1], halves[1], marks[2]]
