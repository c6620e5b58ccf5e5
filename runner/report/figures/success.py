"""How many restarts of each configuration are solved, and how the others end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from runner.report.colours import INK, LABEL_COLOURS
from runner.report.figures.base import Key, Panel, Picture, from_random_starts
from runner.report.figures.choice import chosen, chosen_panels, telling, telling_groups
from runner.report.figures.heat import draw_heat
from runner.report.figures.scales import scale_axis
from runner.report.figures.success_texts import success_data, success_text
from runner.report.grid_axes import GridAxis, alike_but_for, ordered_axes
from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.numbers import percent
from runner.report.style import (
    MOST_PANELS,
    PANEL,
    SINGLE,
    Shape,
    percent_axis,
    put_ticks,
)
from runner.report.svg import Tips
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_ROWS = 40  # configurations of a figure of bars
_ROW = 0.2  # inches
_BARS = 2.0  # inches: the least that bars and their margin have
_LETTER = 0.058  # inches

_INTERVAL = "bars are its 95% Wilson intervals"


def draw_success(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the share of solved restarts: over an ordered axis, two of them, or by name."""
    configurations = from_random_starts(study)
    if not configurations:
        return
    axes = ordered_axes(configurations)
    if not axes:
        yield _bars(study, configurations)
    elif len(axes) == 1:
        yield _lines(study, configurations, axes[0])
    else:
        yield _heat(study, configurations, axes[0], axes[1])


def _picture(
    study: Study, shown: list[Configuration], panels: list[Panel], caption: str, shape: Shape
) -> Picture:
    present = [name for name in LABELS if study.summary.loc[[c.index for c in shown], name].any()]
    return Picture(
        "success",
        "How many restarts are solved",
        caption,
        "; ".join(success_text(study, c) for c in shown),
        tuple(panels),
        success_data(study, shown),
        keys=tuple(Key(name, LABEL_COLOURS[name]) for name in present),
        shape=shape,
        table="summary",
    )


def _bars(study: Study, configurations: list[Configuration]) -> Picture:
    shown = telling(study, configurations, _MOST_ROWS)
    longest = max(len(title(c)) for c in shown)
    left = min(0.25 + _LETTER * longest, 2.6)
    width = max(SINGLE.width, left + _BARS)
    shape = Shape(width, 0.6 + _ROW * len(shown), left=left, right=0.2)
    caption = (
        f"Share of restarts by how they end; solved ones first, the line there is the share's 95% "
        f"Wilson interval.{chosen(len(configurations), len(shown))}"
    )
    return _picture(study, shown, [Panel("", partial(_draw_bars, study, shown))], caption, shape)


def _draw_bars(study: Study, shown: list[Configuration], axes: Axes) -> Tips:
    table = study.summary.loc[[c.index for c in shown]]
    rows = np.arange(len(shown))
    left = np.zeros(len(shown))
    tips: Tips = {}
    for label in LABELS:
        shares = 100 * (table[label] / table["n"]).to_numpy()
        there = np.flatnonzero(shares > 0)
        boxes = [Rectangle((left[k], k - 0.36), shares[k], 0.72) for k in there]
        if boxes:
            bars = PatchCollection(boxes, facecolor=LABEL_COLOURS[label], linewidth=0)
            axes.add_collection(bars)
            tips[bars] = [
                f"{title(shown[k])}: {percent(shares[k] / 100)} {label} "
                f"({int(table[label].iloc[k]):,} of {int(table['n'].iloc[k]):,})"
                for k in there
            ]
        left += shares
    bounds = 100 * table[["ci_low", "ci_high"]].to_numpy()
    axes.hlines(rows, *bounds.T, color=INK, linewidth=1.2)
    put_ticks(axes.yaxis, rows.tolist(), [title(c) for c in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    percent_axis(axes, "x", "restarts, %")
    return tips


def _lines(study: Study, configurations: list[Configuration], axis: GridAxis) -> Picture:
    groups = alike_but_for(configurations, [axis])
    kept = telling_groups(study, groups, MOST_PANELS)
    panels = [Panel(rest, partial(_draw_lines, study, members, axis)) for rest, members in kept]
    shape = SINGLE if len(panels) == 1 else PANEL
    caption = (
        f"Share of restarts that end solved (points; {_INTERVAL}), and with each other label "
        f"(thin lines), over {axis.name} (`{axis.path}`)"
        f"{', on a logarithmic scale' if axis.logarithmic else ''}."
        f"{chosen_panels(len(groups), len(kept))}"
    )
    shown = [c for _, members in kept for c in members]
    return _picture(study, shown, panels, caption, shape)


def _heat(study: Study, configurations: list[Configuration], x: GridAxis, y: GridAxis) -> Picture:
    groups = alike_but_for(configurations, [x, y])
    kept = telling_groups(study, groups, MOST_PANELS)
    panels = [Panel(rest, partial(draw_heat, study, members, x, y)) for rest, members in kept]
    caption = (
        f"Share of restarts that end solved, in percent, over {x.name} (`{x.path}`) and {y.name} "
        f"(`{y.path}`); the 95% Wilson intervals are in the table."
        f"{chosen_panels(len(groups), len(kept))}"
    )
    shown = [c for _, members in kept for c in members]
    shape = Shape(SINGLE.width, 3.2) if len(panels) == 1 else Shape(3.2, 2.7)
    picture = _picture(study, shown, panels, caption, shape)
    return replace(picture, keys=())


def _draw_lines(study: Study, members: list[Configuration], axis: GridAxis, axes: Axes) -> Tips:
    members = sorted(members, key=lambda c: axis.numbers[c.index])
    table = study.summary.loc[[c.index for c in members]]
    x = np.array([axis.numbers[c.index] for c in members])
    for label in LABELS[1:]:
        if table[label].any():
            shares = 100 * table[label] / table["n"]
            axes.plot(x, shares, color=LABEL_COLOURS[label], linewidth=0.9, marker=".", ms=3)
    rates, low, high = 100 * table[["success_rate", "ci_low", "ci_high"]].to_numpy().T
    colour = LABEL_COLOURS["solved"]
    axes.vlines(x, low, high, color=colour, linewidth=1.4)
    axes.plot(x, rates, color=colour, linewidth=0.7)
    (points,) = axes.plot(x, rates, "o", color=colour, markersize=4)
    scale_axis(axes, "x", axis)
    percent_axis(axes, "y", "restarts, %")
    return {points: [success_text(study, c) for c in members]}
