"""The index of critical points against their loss."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.errors.messages import counted
from runner.report.colours import LABEL_COLOURS
from runner.report.figures.base import Key, Panel, Picture
from runner.report.figures.choice import chosen, telling
from runner.report.figures.loss_axis import LossAxis, rule
from runner.report.landscape_tables import Landscape
from runner.report.names import loss_name, title
from runner.report.numbers import drawable
from runner.report.style import MOST_PANELS, SINGLE, Shape, put_ticks
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_TICKS = 8
_RULE = rule("half of what is above the lowest")
_SHAPE = Shape(3.2, 2.2)
_COLUMNS = [
    *("configuration", "class", "kind", "index", "null_directions"),
    *("loss", "multiplicity", "found"),
]
_KEYS = (
    Key("minimum", LABEL_COLOURS["minimum"], "o"),
    Key("saddle", LABEL_COLOURS["saddle"], "o"),
    Key("family of minima", LABEL_COLOURS["minimum"], "s"),
    Key("family of saddles", LABEL_COLOURS["saddle"], "s"),
)


def draw_critical_points(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the critical points of each configuration that is mapped."""
    configurations = [c for c in study.plan.configurations if len(_points(landscape, c))]
    if not configurations:
        return
    shown = telling(study, configurations, MOST_PANELS)
    tables = [_points(landscape, c) for c in shown]
    whole = pd.concat(tables, ignore_index=True)
    present = set(_keys(whole))
    yield Picture(
        "critical-points",
        "Minima, transition states and higher saddles",
        "All critical points that the map knows, and families of them, by loss and by index, the "
        "number of directions in which the loss falls: 0 of minima, 1 of transition states. "
        f"Points of one index and one loss are one mark. {_RULE}"
        f"{chosen(len(configurations), len(shown))}",
        "Scatter of the index of critical points against their loss. "
        + "; ".join(f"{title(c)}: {_said(table)}" for c, table in zip(shown, tables, strict=True)),
        tuple(
            Panel(title(c), partial(_draw, table, loss_name([c])), _said(table))
            for c, table in zip(shown, tables, strict=True)
        ),
        whole,
        keys=tuple(_KEYS[k] for k in sorted(present)),
        shape=_SHAPE if len(shown) > 1 else SINGLE,
    )


def _keys(table: pd.DataFrame) -> np.ndarray:
    """Return which of `_KEYS` each point has."""
    family, saddle = (table["kind"] == "family").to_numpy(), (table["index"] > 0).to_numpy()
    return 2 * family.astype(int) + saddle


def _points(landscape: Landscape, c: Configuration) -> pd.DataFrame:
    table = landscape.of("critical_points", c)
    if table.empty:
        return table
    return pd.DataFrame(table.loc[np.isfinite(drawable(table["loss"])), _COLUMNS])


def _said(table: pd.DataFrame) -> str:
    families = int((table["kind"] == "family").sum())
    counts = {
        counted(len(table) - families, "critical point"): len(table) - families,
        counted(families, "family", "families"): families,
    }
    return ", ".join(text for text, n in counts.items() if n)


def _draw(table: pd.DataFrame, name: str, axes: Axes) -> Tips:
    scale = LossAxis.of(table["loss"])
    level = table["loss"].map(lambda loss: f"{loss:.7g}")
    alike = table.assign(key=_keys(table), level=level)
    tips: Tips = {}
    for k, key in enumerate(_KEYS):
        groups = [group for _, group in alike[alike["key"] == k].groupby(["index", "level"])]
        if not groups:
            continue
        (marks,) = axes.plot(
            scale.places([group["loss"].iloc[0] for group in groups]),
            [group["index"].iloc[0] for group in groups],
            key.mark,
            color=key.colour,
            markersize=4,
            alpha=0.7,
        )
        tips[marks] = [_told(group) for group in groups]
    scale.put(axes, "x", name)
    highest = int(table["index"].max())
    axes.set(ylim=(-0.5, highest + 0.5), ylabel="index")
    put_ticks(axes.yaxis, range(0, highest + 1, 1 + highest // _MOST_TICKS))
    return tips


def _told(group: pd.DataFrame) -> str:
    first = group.iloc[0]
    classes = ", ".join(map(str, group["class"].head(10))) + (", …" if len(group) > 10 else "")
    noun = "class" if len(group) == 1 else "classes"
    return f"{first['kind']}, index {first['index']}, loss {first['loss']:.7g}: {noun} {classes}"
