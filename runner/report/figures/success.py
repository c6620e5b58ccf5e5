"""How many restarts of each configuration are solved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from runner.errors.messages import counted
from runner.report.figures.base import Picture, from_random_starts
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn, title
from runner.report.numbers import percent
from runner.report.style import LABEL_COLOURS, first, single

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_ROWS = 40  # configurations


def draw_success(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the share of solved restarts with its interval."""
    if configurations := from_random_starts(study):
        yield _picture(study, configurations)


def _picture(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:_MOST_ROWS]
    table = study.summary.loc[[c.index for c in shown]]
    rates = 100 * table["success_rate"].to_numpy()
    low, high = 100 * table["ci_low"].to_numpy(), 100 * table["ci_high"].to_numpy()
    figure, axes = single(height=0.8 + 0.28 * len(shown))
    rows = np.arange(len(shown))
    errors = np.abs(np.array([rates - low, high - rates]))
    axes.errorbar(
        rates, rows, xerr=errors, fmt="o", color=LABEL_COLOURS["solved"], capsize=3, markersize=5
    )
    axes.set_yticks(rows, [drawn(c) for c in shown])
    axes.set(xlim=(-2, 102), ylim=(len(shown) - 0.4, -0.6), xlabel="restarts solved, %")
    axes.grid(axis="y", visible=False)
    sizes = sorted(set(table["n"]))
    n = counted(int(sizes[0]), "restart") if len(sizes) == 1 else "the restarts trained so far"
    return Picture(
        "success",
        "How many restarts are solved",
        f"Share of {n} of each configuration that end with every output on the right side; bars "
        f"are 95% Wilson intervals.{first(len(configurations), len(shown))}",
        "; ".join(
            f"{title(c)}: {percent(r / 100)} solved, interval {percent(a / 100)} to "
            f"{percent(b / 100)}"
            for c, r, a, b in zip(shown, rates, low, high, strict=True)
        ),
        figure,
    )
