"""What one network computes, over the square of its two inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from runner.report.figures.base import Key
from runner.report.network_outputs import network_outputs
from runner.report.numbers import number
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.experiment.truth_tables.truth_table import TruthTable

KEYS = (Key("lower target", "#f4f4f4"), Key("upper target", "#3f3f3f"))
"""What its greys mean."""


def drawn_output(configurations: Iterable[Configuration]) -> str:
    """Say which output is drawn, with a space before it; nothing where networks have but one."""
    several = [c.table.target_names for c in configurations if c.architecture.n_outputs > 1]
    if not several:
        return ""
    last = {names[-1] if names else "" for names in several}
    name = f", {last.pop()}" if len(last) == 1 and "" not in last else ""
    return f" Of several outputs the last one is drawn{name}."


def draw_decision(
    c: Configuration, weights: np.ndarray, axes: Axes, grid: int, size: float
) -> Tips:
    """Draw a network's output, the last of several, the darker the higher, with the patterns.

    Parameters
    ----------
    c : Configuration
        Of a network of two inputs.
    weights : ndarray, shape (n_parameters,)
    axes : Axes
    grid : int
        Points along one side of the square.
    size : float
        Of a pattern's mark, in points.
    """
    table = c.table
    low, high = table.inputs.min(axis=0), table.inputs.max(axis=0)
    pad = 0.5 * (high - low)
    sides = [np.linspace(a, b, grid) for a, b in zip(low - pad, high + pad, strict=True)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    values = network_outputs(c.architecture.require_layers(), weights, points)[:, -1]
    targets = table.targets[:, -1]
    bottom, top = _levels(table)
    share = np.clip((values - bottom) / (top - bottom), -0.25, 1.25).reshape(grid, grid)
    ends = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    axes.imshow(
        share,
        origin="lower",
        extent=ends,
        cmap="gray_r",
        vmin=-0.05,
        vmax=1.3,
        interpolation="bilinear",
    )
    # an output of one half everywhere has no line, only noise
    if share.min() < 0.45 and share.max() > 0.55:
        axes.contour(*sides, share, levels=[0.5], colors="#101010", linewidths=1)
    tips: Tips = {}
    for inputs, target in zip(table.inputs, targets, strict=True):
        upper = target > (bottom + top) / 2
        (mark,) = axes.plot(
            *inputs, "o" if upper else "s", color="#101010" if upper else "#fefefe",
            markeredgecolor="#101010" if not upper else "#fefefe", markersize=size,
        )  # fmt: skip
        output = network_outputs(c.architecture.require_layers(), weights, inputs[None])[0, -1]
        told = ", ".join(f"{x:g}" for x in inputs)
        tips[mark] = [f"inputs {told}: output {number(output)}, target {target:g}"]
    axes.grid(visible=False)
    return tips


def _levels(table: TruthTable) -> tuple[float, float]:
    """The lower and the upper target, also where a table has one of them alone, as TRUE has."""
    targets, middle = table.targets[:, -1], float(table.middles[-1])
    bottom, top = float(targets.min()), float(targets.max())
    if middle < bottom:
        bottom = 2 * middle - top
    elif middle > top:
        top = 2 * middle - bottom
    return bottom, top if top > bottom else bottom + 1
