"""Where the losses of restarts end."""

from __future__ import annotations

from collections.abc import Iterator
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
        f"Final losses of {sampled(study)}, on a {scale} scale that all panels share; counts are "
        "logarithmic, colours are labels. "
        "Triangles: exact levels of plateau and saturated restarts, where patterns that share an "
        f"output get their mean target.{bins.said}{chosen(len(configurations), len(shown))}",
        "Histograms of the final loss. " + ("; ".join(texts) if texts else "No exact levels."),
        tuple(
            Panel(title(c), partial(_draw, bins, table, frame, name), _note(frame))
            for c, table, frame in zip(shown, counts, frames, strict=True)
        ),
        _data(bins, shown, counts),
        keys=tuple(Key(label, LABEL_COLOURS[label]) for label in present),
        shape=_shape(max(len(levels(frame)) for frame in frames)),
        table="losses",
    )


def _shape(n_levels: int) -> Shape:
    """Return a panel with room for the levels' texts above the axes."""
    above = 0.14 * min(n_levels, _TEXT_ROWS)
    return Shape(3.2, 2.2 + above, left=0.68, top=0.12 + above)


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
    tips: Tips = {}
    edges = bins.edges
    for label, row in counts.items():
        there = np.flatnonzero(row)
        boxes = [Rectangle((edges[k], 0.5), edges[k + 1] - edges[k], row[k] - 0.5) for k in there]
        bars = PatchCollection(boxes, facecolor=LABEL_COLOURS[label], linewidth=0, alpha=0.85)
        axes.add_collection(bars)
        tips[bars] = [
            f"{counted(int(row[k]), 'restart')} {label}, loss {number(edges[k])} to "
            f"{number(edges[k + 1])}"
            for k in there
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
    return tips


def mark(axes: Axes, at: list[float]) -> None:
    """Put levels above the axes: a triangle each, and a text as far as the texts stay apart.

    Parameters
    ----------
    axes : Axes
    at : list of float
        The levels, the most important first.
    """
    inches = axes.bbox.width / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    rows: list[list[float]] = [[] for _ in range(_TEXT_ROWS)]
    above = axes.get_xaxis_transform()
    axes.plot(at, [1.0] * len(at), "v", color=INK, ms=4, transform=above, clip_on=False)
    ends = axes.transAxes.inverted()
    for level in at:
        place = float(ends.transform(axes.transData.transform((level, 1.0)))[0]) * inches
        text = level_text(level)
        for row, taken in enumerate(rows):
            if all(abs(place - other) > _LETTER * (len(text) + 1) for other in taken):
                taken.append(place)
                axes.annotate(
                    text,
                    (level, 1.0),
                    xycoords=above,
                    xytext=(0, 4 + 9 * row),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=7,
                    annotation_clip=False,
                )
                break


def levels(frame: pd.DataFrame) -> dict[float, int]:
    """Return exact levels that restarts have come to, with counts, the most frequent first."""
    counts = frame["level"].dropna().round(6).value_counts().head(_MOST_LEVELS)
    return {float(str(level)): int(count) for level, count in counts.items()}


def level_text(level: float) -> str:
    """Return a level with four decimals."""
    return f"{level:.4f}" if level < 1e6 else number(level)
