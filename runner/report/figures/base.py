"""What a figure of a report is, for who adds one.

A figure is a file of this folder with a `FigureFunction`, and a place in
`runner.report.figures.order.FIGURES`. The function

- selects the configurations that it has something to show of, with the functions below, and yields
  nothing where there are none: a report is written of unfinished and of empty studies too;
- makes at most `MOST_PANELS` panels of at most `MOST_LINES` lines, chooses with
  `runner.report.figures.choice.telling`, and says in the caption what it leaves out, of how many
  restarts it is, and what is sampled;
- takes its numbers from the study's tables; nothing is computed that a reader cannot look up there.

A panel draws itself on axes that it is given: the report's are small and stand in the page, those
of `study.plot` are all in one figure (`runner.report.figures.sheet`). Both are in the report's
style, whatever the process' settings are. Texts from the experiment need no escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
from matplotlib.axes import Axes

from runner.report.landscape_tables import Landscape
from runner.report.style import PANEL, Shape
from runner.report.svg import Tips
from runner.study.statistics.base import times_known

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_PRODUCTS = 5_000  # weights times patterns of a network that is evaluated on a grid

FigureFunction: TypeAlias = "Callable[[Study, Landscape], Iterator[Picture]]"
"""Makes one figure, or one for each of several configurations, or none."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    """What it is of; empty in a figure of one panel that needs none."""
    draw: Callable[[Axes], Tips]
    """Draws on axes and returns what is told under the pointer."""
    note: str = ""
    """A second line under the title."""
    spare: float = 0.0
    """Inches at its foot that it leaves empty, for what the others of its figure have there."""


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    text: str
    """What it means."""
    colour: str
    """Of the mark."""
    mark: str = "patch"
    """``patch``, ``-`` for a line, or Matplotlib's name of a marker."""


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
    panels: tuple[Panel, ...]
    """At least one."""
    data: pd.DataFrame
    """The numbers that are drawn, for a download; empty if there are none."""
    keys: tuple[Key, ...] = ()
    """The legend of all panels."""
    shape: Shape = field(default=PANEL)
    """Of each panel."""
    columns: int = 3
    """Panels side by side where there is room."""
    table: str = ""
    """The name of the report's table with its numbers, if there is one."""


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
