"""Where the losses of restarts end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, NullLocator

from runner.errors.messages import counted
from runner.report.figures.base import Picture, sampled_restarts, trained
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn, sampled, title
from runner.report.numbers import drawable, number
from runner.report.style import LABEL_COLOURS, MOST_PANELS, first, legend, panels
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_BINS = 60
_TEXT_HEIGHT = 0.2  # inches beside a line that its text takes, with room for the axes' own labels
_TEXT_WIDTH = 40  # points along it
_TEXT_ROWS = 3


def draw_losses(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw histograms of the final loss."""
    if configurations := trained(study):
        yield _picture(study, configurations)


def _picture(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_PANELS]
    figure, grid = panels(len(shown))
    texts = []
    near = _TEXT_HEIGHT / figure.get_figwidth() * min(len(shown), 3)
    for axes, c in zip(grid, shown, strict=True):
        frame = sampled_restarts(study, c)
        frame = frame.assign(loss=drawable(frame["loss"]), level=drawable(frame["level"]))
        finite = frame[frame["loss"].notna()]
        lost = len(frame) - len(finite)
        note = f", {lost:,} not finite" if lost else ""
        axes.set_title(f"{drawn(c)}\nn = {len(frame):,}{note}")
        levels = _levels(frame)
        # far outliers would leave one bar of everything else
        top = max([*(1.3 * level for level in levels), _top(finite["loss"])])
        bins = np.linspace(min(0.0, float(finite["loss"].min()) if len(finite) else 0), top, _BINS)
        for label in LABELS:
            values = finite.loc[finite["label"] == label, "loss"].to_numpy()
            if len(values):
                axes.hist(
                    np.minimum(values, bins[-1]),
                    bins.tolist(),
                    color=LABEL_COLOURS[label],
                    label=label,
                    alpha=0.8,
                    histtype="stepfilled",
                )
        _mark(axes, list(levels), near * (top - float(bins[0])))
        texts += [
            f"{title(c)}: {counted(count, 'restart')} at {_level_text(level)}"
            for level, count in levels.items()
        ]
        if len(finite):
            axes.set_yscale("log")
            axes.set_ylim(bottom=0.7)
        else:
            axes.text(0.5, 0.5, "no finite loss", ha="center", transform=axes.transAxes)
            axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(3) if len(finite) else NullLocator())
        axes.set_xlabel("final loss")
    grid[0].set_ylabel("restarts")
    legend(figure, grid)
    return Picture(
        "losses",
        "Where the loss ends up",
        f"Final losses of {sampled(study)}, on a logarithmic scale of counts, coloured by label. "
        "Dashed lines: exact levels of plateau and saturated restarts, where patterns that share "
        "an output get their mean target. Losses beyond an axis are counted at its end."
        f"{first(len(configurations), len(shown))}",
        "Histograms of the final loss. " + ("; ".join(texts) if texts else "No exact levels."),
        figure,
    )


def _mark(axes: Axes, levels: list[float], near: float) -> None:
    """Draw the levels as lines, and write on them as far as the texts stay apart.

    Parameters
    ----------
    axes : Axes
    levels : list of float
        The most important first.
    near : float
        How far apart two levels must be for texts side by side.
    """
    rows: list[list[float]] = [[] for _ in range(_TEXT_ROWS)]
    for level in levels:
        axes.axvline(level, color="black", linewidth=0.8, linestyle="--")
        for row, taken in enumerate(rows):
            if all(abs(level - other) > near for other in taken):
                taken.append(level)
                axes.annotate(
                    _level_text(level),
                    (level, 1),
                    xycoords=("data", "axes fraction"),
                    xytext=(-2, -2 - row * _TEXT_WIDTH),
                    textcoords="offset points",
                    rotation=90,
                    ha="right",
                    va="top",
                    fontsize=8,
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
                )
                break


def _levels(frame: pd.DataFrame) -> dict[float, int]:
    """Exact levels that restarts have come to, with their counts, the most frequent first."""
    counts = frame["level"].dropna().round(6).value_counts()
    return {float(str(level)): int(count) for level, count in counts.head(6).items()}


def _level_text(level: float) -> str:
    return f"{level:.4f}" if level < 1e6 else number(level)


def _top(losses: pd.Series[float]) -> float:
    """Where a histogram ends: the largest loss, unless a few lie far out."""
    if losses.empty:
        return 1.0
    far = 3 * float(losses.quantile(0.99))
    return max(min(float(losses.max()), far) * 1.05, 1e-12)
