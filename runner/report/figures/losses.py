"""Where the losses of restarts end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from runner.errors.messages import counted
from runner.report.colours import INK, LABEL_COLOURS
from runner.report.figures.base import Key, Panel, Picture, sampled_restarts, trained
from runner.report.figures.choice import chosen, telling
from runner.report.figures.loss_bins import LossBins
from runner.report.landscape_tables import Landscape
from runner.report.names import loss_name, sampled, title
from runner.report.numbers import drawable, number
from runner.report.style import MOST_PANELS, Shape, logarithmic, tick_text
from runner.report.svg import Tips
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_LEVELS = 6
_LETTER = 0.052  # inches that a letter of a level's text takes
_TEXT_ROWS = 3
_TRIANGLES = (
    " Triangles: exact levels of plateau and saturated restarts, where patterns that share an "
    "output get their mean target."
)


def draw_losses(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw histograms of the final loss."""
    configurations = trained(study)
    if not configurations:
        return
    shown = telling(study, configurations, MOST_PANELS)
    frames = [_frame(study, c) for c in shown]
    finite = pd.concat([frame["loss"].dropna() for frame in frames])
    bins = LossBins.of(finite, [level for frame in frames for level in levels(frame)])
    counts = [bins.counted(frame) for frame in frames]
    present = [label for label in LABELS if any(label in table for table in counts)]
    name = f"final {loss_name(shown)}"
    texts = [
        f"{title(c)}: {counted(count, 'restart')} at {level_text(level)}"
        for c, frame in zip(shown, frames, strict=True)
        for level, count in levels(frame).items()
    ]
    scale = "logarithmic" if bins.logarithmic else "linear"
    yield Picture(
        "losses",
        "Where the loss ends up",
        f"Final losses of {sampled(study)}, on a {scale} scale"
        f"{' that all panels share' if len(shown) > 1 else ''}; counts are logarithmic, colours "
        f"are labels, and in each bin the shorter bar is in front.{_TRIANGLES if texts else ''}"
        f"{bins.said}{chosen(len(configurations), len(shown))}",
        "Histograms of the final loss. " + ("; ".join(texts) if texts else "No exact levels."),
        tuple(
            Panel(title(c), partial(_draw, bins, table, frame, name), _note(frame))
            for c, table, frame in zip(shown, counts, frames, strict=True)
        ),
        _data(bins, shown, counts),
        keys=tuple(Key(label, LABEL_COLOURS[label]) for label in present),
        shape=_shape(bins, frames),
        table="losses",
    )


def _shape(bins: LossBins, frames: list[pd.DataFrame]) -> Shape:
    """Return a panel with room for the levels' texts above the axes."""
    shape = Shape(3.2, 2.2, left=0.68, top=0.12)
    inches = shape.box[2] * shape.width
    used = [0]
    for frame in frames:
        at = list(levels(frame))
        rows = _rows_of([bins.share(level) * inches for level in at], at)
        used += [row + 1 for row in rows if row is not None]
    above = 0.14 * max(used)
    return replace(shape, height=shape.height + above, top=shape.top + above)


def _frame(study: Study, c: Configuration) -> pd.DataFrame:
    frame = sampled_restarts(study, c)
    return frame.assign(loss=drawable(frame["loss"]), level=drawable(frame["level"]))


def _note(frame: pd.DataFrame) -> str:
    lost = int(frame["loss"].isna().sum())
    return f"n = {len(frame):,}" + (f", {lost:,} not finite" if lost else "")


def _data(
    bins: LossBins, shown: list[Configuration], counts: list[dict[str, np.ndarray]]
) -> pd.DataFrame:
    rows = [
        (c.index, title(c), label, bins.edges[k], bins.edges[k + 1], int(n))
        for c, table in zip(shown, counts, strict=True)
        for label, row in table.items()
        for k, n in enumerate(row)
        if n
    ]
    columns = ["configuration", "title", "label", "loss_from", "loss_to", "restarts"]
    return pd.DataFrame(rows, columns=columns)


def _draw(
    bins: LossBins, counts: dict[str, np.ndarray], frame: pd.DataFrame, name: str, axes: Axes
) -> Tips:
    edges = bins.edges
    bars = [(k, int(row[k]), label) for label, row in counts.items() for k in np.flatnonzero(row)]
    bars.sort(key=lambda bar: (bar[0], -bar[1]))  # in each bin the lowest in front
    boxes = [Rectangle((edges[k], 0.5), edges[k + 1] - edges[k], n - 0.5) for k, n, _ in bars]
    colours = [LABEL_COLOURS[label] for _, _, label in bars]
    drawn = PatchCollection(boxes, facecolors=colours, linewidth=0)
    axes.add_collection(drawn)
    tips = [
        f"{counted(n, 'restart')} {label}, loss {number(edges[k])} to {number(edges[k + 1])}"
        for k, n, label in bars
    ]
    axes.set_xlim(edges[0], edges[-1])
    axes.set(yscale="log", ylim=(0.5, 2 * max([1, *(row.max() for row in counts.values())])))
    logarithmic(axes.yaxis, 1, 1000)
    if bins.logarithmic:
        axes.set_xscale("log")
        logarithmic(axes.xaxis, edges[0], edges[-1])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(float(value))))
    axes.set(xlabel=name, ylabel="restarts")
    if not counts:
        axes.text(0.5, 0.5, "no finite loss", ha="center", transform=axes.transAxes)
    mark(axes, list(levels(frame)))
    return {drawn: tips} if bars else {}


def mark(axes: Axes, at: list[float]) -> None:
    """Put levels above the axes: a triangle each, and a text as far as the texts stay apart.

    Parameters
    ----------
    axes : Axes
    at : list of float
        The levels, the most important first.
    """
    inches = axes.bbox.width / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    above = axes.get_xaxis_transform()
    axes.plot(at, [1.0] * len(at), "v", color=INK, ms=4, transform=above, clip_on=False)
    ends = axes.transAxes.inverted()
    shares = [float(ends.transform(axes.transData.transform((x, 1.0)))[0]) for x in at]
    for level, row in zip(at, _rows_of([x * inches for x in shares], at), strict=True):
        if row is not None:
            axes.annotate(
                level_text(level),
                (level, 1.0),
                xycoords=above,
                xytext=(0, 4 + 9 * row),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=7,
                annotation_clip=False,
            )


def _rows_of(places: list[float], at: list[float]) -> list[int | None]:
    """Return the row, from below, in which each level's text has room, places in inches."""
    rows: list[list[float]] = [[] for _ in range(_TEXT_ROWS)]
    found: list[int | None] = []
    for place, level in zip(places, at, strict=True):
        room = _LETTER * (len(level_text(level)) + 1)
        free = (
            k for k, taken in enumerate(rows) if all(abs(place - other) > room for other in taken)
        )
        found.append(next(free, None))
        if (row := found[-1]) is not None:
            rows[row].append(place)
    return found


def levels(frame: pd.DataFrame) -> dict[float, int]:
    """Return exact levels that restarts have come to, with counts, the most frequent first."""
    counts = frame["level"].dropna().round(6).value_counts().head(_MOST_LEVELS)
    return {float(str(level)): int(count) for level, count in counts.items()}


def level_text(level: float) -> str:
    """Return a level with four decimals."""
    return f"{level:.4f}" if level < 1e6 else number(level)
