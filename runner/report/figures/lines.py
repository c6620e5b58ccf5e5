"""Lines of configurations: one for each value of an ordered axis, or one in front of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.report.colours import GRID, INK, ramp
from runner.report.figures.base import Key
from runner.report.figures.choice import chosen, chosen_panels, telling, telling_groups
from runner.report.grid_axes import alike_but_for, ordered_axes
from runner.report.names import title
from runner.report.style import MOST_LINES, MOST_PANELS, PANEL, SINGLE, Shape, tick_text

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


@dataclass(frozen=True)
class Line:
    """A configuration in a panel."""

    configuration: Configuration
    """Which."""
    colour: str
    """Its colour."""
    behind: bool = False
    """Whether it is only there to compare with."""


@dataclass(frozen=True)
class LinePanel:
    """The lines of one panel."""

    title: str
    """What they have in common."""
    lines: list[Line]
    """Those behind first."""


@dataclass(frozen=True)
class LineFigure:
    """The lines of one figure."""

    panels: list[LinePanel]
    """At most `MOST_PANELS`."""
    keys: tuple[Key, ...]
    """What the colours mean."""
    shown: list[Configuration]
    """The configurations that are not behind."""
    said: str
    """What the caption says of colours and of what is left out."""

    @property
    def shape(self) -> Shape:
        """Of each panel."""
        return SINGLE if len(self.panels) == 1 else PANEL


def line_figure(study: Study, configurations: Sequence[Configuration]) -> LineFigure:
    """Return how the lines of some configurations are drawn."""
    axes = ordered_axes(configurations)
    if not axes:
        return _one_by_one(study, configurations)
    axis = axes[0]
    values = axis.values
    step = max(1, len(values) - 1) / max(1, min(len(values), MOST_LINES) - 1)
    kept = [values[round(k * step)] for k in range(min(len(values), MOST_LINES))]
    colours = dict(zip(kept, ramp(len(kept)), strict=True))
    groups = alike_but_for(configurations, [axis])
    telling_ones = telling_groups(study, groups, MOST_PANELS)
    panels = []
    for rest, members in telling_ones:
        drawn = [c for c in members if axis.numbers[c.index] in colours]
        drawn.sort(key=lambda c: axis.numbers[c.index])
        lines = [Line(c, colours[axis.numbers[c.index]]) for c in drawn]
        panels.append(LinePanel(rest, lines))
    keys = tuple(Key(f"{axis.name} {tick_text(value)}", colours[value], "-") for value in kept)
    left_out = f" {len(kept)} of {len(values)} values are shown." if len(kept) < len(values) else ""
    said = (
        f" From the lowest to the highest value of {axis.name} lines go from light to dark (on a "
        f"dark page from dark to light).{left_out}"
        f"{chosen_panels(len(groups), len(telling_ones))}"
    )
    shown = [line.configuration for panel in panels for line in panel.lines]
    return LineFigure(panels, keys, shown, said)


def _one_by_one(study: Study, configurations: Sequence[Configuration]) -> LineFigure:
    shown = telling(study, configurations, MOST_PANELS)
    panels = [
        LinePanel(
            title(c),
            [*(Line(other, GRID, behind=True) for other in shown if other is not c), Line(c, INK)],
        )
        for c in shown
    ]
    said = chosen(len(configurations), len(shown))
    if len(shown) > 1:
        said = f" Grey: the other panels' lines.{said}"
    return LineFigure(panels, (), shown, said)
