"""How the loss of a restart falls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from runner.report.colours import LABEL_COLOURS
from runner.report.figures.base import Key, Panel, Picture, from_random_starts, sampled_restarts
from runner.report.figures.choice import chosen, telling
from runner.report.landscape_tables import Landscape
from runner.report.names import loss_name, title
from runner.report.numbers import DRAWN_MOST, drawable
from runner.report.style import MOST_PANELS, logarithmic
from runner.report.svg import Tips
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_Lines = Mapping[str, list[np.ndarray]]


def draw_curves(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the recorded loss curves."""
    configurations = from_random_starts(study)
    if not configurations or not len(study.curves):
        return
    shown = telling(study, configurations, MOST_PANELS)
    lines = [_lines(study, c) for c in shown]
    points = [p for each in lines for of in each.values() for p in of]
    heights = np.concatenate([p[:, 1] for p in points]) if points else np.ones(1)
    heights = heights[np.isfinite(heights)]
    longest = max((p[:, 0].max(initial=2.0) for p in points), default=2.0)
    ends = (float(heights.min(initial=1.0)) / 1.3, float(heights.max(initial=0.1)) * 1.3)
    present = [label for label in LABELS if any(label in each for each in lines)]
    yield Picture(
        "curves",
        "How the loss falls",
        f"Loss of the first restarts, {study.plan.n_curves:,} of each configuration at most, at "
        "log-spaced steps, coloured by final label"
        f"{'; all panels have one scale' if len(shown) > 1 else ''}."
        f"{chosen(len(configurations), len(shown))}",
        "Lines of the loss against the step, both logarithmic, coloured by the restart's label.",
        tuple(
            Panel(
                title(c),
                partial(_draw, each, longest, ends, loss_name(shown)),
                f"first {sum(map(len, each.values())):,} of {study.trained[c.index]:,}",
            )
            for c, each in zip(shown, lines, strict=True)
        ),
        study.curves[study.curves["configuration"].isin([c.index for c in shown])],
        keys=tuple(Key(label, LABEL_COLOURS[label], "-") for label in present),
    )


def _lines(study: Study, c: Configuration) -> _Lines:
    """Return the curves' points (step + 1, loss) by label."""
    labels: dict[Any, str] = sampled_restarts(study, c)["label"].astype(str).to_dict()
    curves: pd.DataFrame = study.curves[study.curves["configuration"] == c.index]
    lines: dict[str, list[np.ndarray]] = {}
    points = np.column_stack([curves["step"] + 1.0, drawable(curves["loss"])])
    restarts = curves["restart"].to_numpy()
    for part in np.split(np.arange(len(points)), np.flatnonzero(np.diff(restarts)) + 1):
        if len(part):
            line = points[part]
            line = line[line[:, 1] > 0]
            line[:, 1] = np.maximum(line[:, 1], 1 / DRAWN_MOST)
            lines.setdefault(labels[restarts[part[0]]], []).append(line)
    return {label: lines[label] for label in LABELS if label in lines}


def _draw(lines: _Lines, longest: float, ends: tuple[float, float], name: str, axes: Axes) -> Tips:
    for label, points in lines.items():
        colour = LABEL_COLOURS[label]
        axes.add_collection(LineCollection(points, colors=colour, linewidths=0.6, alpha=0.5))
    axes.set(xscale="log", yscale="log", xlim=(0.9, 1.1 * longest), ylim=ends)
    axes.set(xlabel="step + 1", ylabel=name)
    logarithmic(axes.xaxis, 1, 1000)
    logarithmic(axes.yaxis, *ends)
    return {}
