"""What the representative of each class computes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.report.figures.base import Panel, Picture, can_be_evaluated, classified
from runner.report.figures.base import n_analysed_text as n_text
from runner.report.figures.choice import telling
from runner.report.figures.decision import KEYS, draw_decision, drawn_output
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import title
from runner.report.numbers import number, percent
from runner.report.style import MOST_PANELS, Shape, put_ticks
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_GRID = 81  # points along one side of the square of inputs
_MARK = 5.0  # points, of a pattern
_SHAPE = Shape(2.4, 2.25, left=0.28, bottom=0.28)
_Class = tuple["Configuration", "pd.Series[Any]"]


def draw_outputs(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the output over the square of the two inputs."""
    found = classified(study, landscape)
    configurations = [c for c in found if c.architecture.n_inputs == 2 and can_be_evaluated(c)]
    if not configurations:
        return
    of = telling(study, configurations, MOST_PANELS)
    shown = _solved_and_stuck(landscape, of)
    n = sum(len(landscape.minima(c)) for c in configurations)
    left_out = f" {len(shown)} of {n:,} classes are shown." if len(shown) < n else ""
    yield Picture(
        "outputs",
        "What each class computes",
        "Output of the representative of each class over the square of its two inputs, the darker "
        "the higher. Black discs: patterns whose target is the upper one; white squares: the "
        f"lower; line: halfway.{drawn_output(of)} Of each configuration the largest class, then "
        f"the largest of another kind, then by size. {n_text(landscape, of)}{left_out}",
        "Maps of the network's output over its two inputs, one per class: "
        + "; ".join(f"{title(c)} class {row['class']}" for c, row in shown),
        tuple(Panel(title(c), partial(_draw, c, row), _note(row)) for c, row in shown),
        _data(shown),
        keys=KEYS,
        shape=_SHAPE,
        columns=4,
        table="minima",
    )


def _solved_and_stuck(landscape: Landscape, of: list[Configuration]) -> list[_Class]:
    """Return the classes that there is room for, those of one configuration together."""
    ranked = [_ranked(landscape.minima(c)) for c in of]
    counts = [0] * len(of)
    left = MOST_PANELS
    for rank in range(max(map(len, ranked))):
        for k, rows in enumerate(ranked):
            if rank < len(rows) and left:
                counts[k] += 1
                left -= 1
    return [(c, row) for c, rows, n in zip(of, ranked, counts, strict=True) for row in rows[:n]]


def _ranked(minima: pd.DataFrame) -> list[pd.Series[Any]]:
    """Return the classes by size, but the largest of another kind than the first one second."""
    rows = [row for _, row in minima.iterrows()]
    other = next((row for row in rows if row["kind"] != rows[0]["kind"]), None)
    if other is not None:
        rows.insert(1, rows.pop(next(k for k, row in enumerate(rows) if row is other)))
    return rows


def _note(row: pd.Series[Any]) -> str:
    return (
        f"class {row['class']}, {row['kind']}: {percent(float(row['share']))}, "
        f"loss {number(row['loss'])}"
    )


def _data(shown: list[_Class]) -> pd.DataFrame:
    columns = ["configuration", "class", "kind", "share", "loss"]
    return pd.DataFrame([row for _, row in shown])[columns]


def _draw(c: Configuration, row: pd.Series[Any], axes: Axes) -> Tips:
    tips = draw_decision(c, weights(pd.DataFrame([row]), c)[0], axes, _GRID, _MARK)
    put_ticks(axes.xaxis, np.unique(c.table.inputs[:, 0])[:8].tolist())
    put_ticks(axes.yaxis, np.unique(c.table.inputs[:, 1])[:8].tolist())
    return tips
