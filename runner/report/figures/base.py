"""What a figure of a report is, for who adds one.

A figure is a file of this folder with a `FigureFunction`, and a place in
`runner.report.figures.order.FIGURES`. The function

- selects the configurations that it has something to show of, with the functions below, and yields
  nothing where there are none: a report is written of unfinished and of empty studies too;
- draws at most `MOST_PANELS` panels or `MOST_LINES` lines, and says in the caption what it leaves
  out (`runner.report.style.first`), of how many restarts it is, and what is sampled;
- takes its numbers from the study's tables; nothing is computed that a reader cannot look up there;
- puts names from the experiment into a drawing through `runner.report.names.drawn` only.

`runner.report.writer` calls it in the report's own style, whatever the process' settings are.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from runner.report.landscape_tables import Landscape
from runner.report.style import styled
from runner.study.statistics.times import times_known

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_PRODUCTS = 5_000  # weights times patterns of a network that is evaluated on a grid

FigureFunction: TypeAlias = "Callable[[Study, Landscape], Iterator[Picture]]"
"""Draws one figure, or one for each of several configurations, or none."""


@dataclass(frozen=True)
class Picture:
    """A figure with its words."""

    name: str
    """Names its files."""
    title: str
    """A heading."""
    caption: str
    """What is drawn, of how many, and what is sampled."""
    alt: str
    """The figure in words, for those who cannot see it."""
    figure: Figure
    """The drawing."""

    def save(self, kind: str) -> bytes:
        """Return the drawing as the bytes of a file of this kind, svg or png."""
        sink = io.BytesIO()
        with styled(), warnings.catch_warnings():
            # a table's name may have characters that the font lacks; they become boxes
            warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
            if kind == "svg":
                FigureCanvasSVG(self.figure)
                metadata: dict[str, Any] = {"Date": None, "Creator": None, "Title": self.title}
            else:
                FigureCanvasAgg(self.figure)
                metadata = {"Software": None, "Title": self.title}
            self.figure.savefig(sink, format=kind, metadata=metadata)
        return sink.getvalue()


def trained(study: Study) -> list[Configuration]:
    """Return the configurations that have restarts."""
    return [c for c in study.plan.configurations if study.summary["n"].iloc[c.index]]


def from_random_starts(study: Study) -> list[Configuration]:
    """Return the trained configurations whose starts are a random sample, not a slice."""
    return [c for c in trained(study) if c.settings.init.slice is None]


def with_times(study: Study) -> list[Configuration]:
    """Return the configurations with random starts whose times to solution are known."""
    solved = study.summary["solved"]
    return [c for c in from_random_starts(study) if times_known(c) and solved.iloc[c.index]]


def classified(study: Study, landscape: Landscape) -> list[Configuration]:
    """Return the configurations whose endpoints are in classes."""
    return [c for c in study.plan.configurations if len(landscape.minima(c))]


def can_be_evaluated(configuration: Configuration) -> bool:
    """Whether a report may compute the network's outputs, at many points."""
    if configuration.architecture.as_layers is None:
        return False  # a report executes no user's code
    size = configuration.architecture.n_parameters * configuration.table.n_patterns
    return size <= _MOST_PRODUCTS


def sampled_restarts(study: Study, configuration: Configuration) -> pd.DataFrame:
    """Return the configuration's rows of `Study.sample`: all of them in a study of usual size."""
    return pd.DataFrame(study.sample.xs(configuration.index, level="configuration"))


def n_restarts_text(study: Study, configurations: list[Configuration]) -> str:
    """Say of how many restarts a figure is."""
    sizes = {int(study.summary["n"].iloc[c.index]) for c in configurations}
    if len(sizes) == 1:
        return f"n = {sizes.pop():,} restarts of each configuration."
    return f"n = {min(sizes):,} to {max(sizes):,} restarts of each configuration."


def n_analysed_text(landscape: Landscape, configurations: list[Configuration]) -> str:
    """Say of how many restarts the classes are."""
    sizes = {len(landscape.of("classes", c)) for c in configurations}
    n = f"{min(sizes):,} to {max(sizes):,}" if len(sizes) > 1 else f"{max(sizes):,}"
    return f"n = {n} analysed restarts of each configuration, the first ones."
