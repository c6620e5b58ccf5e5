"""Every figure, in the order of the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from runner.report.figures.barriers import draw_barriers
from runner.report.figures.base import FigureFunction, Picture
from runner.report.figures.basins import draw_basins
from runner.report.figures.budgets import draw_budgets
from runner.report.figures.costs import draw_costs
from runner.report.figures.critical_points import draw_critical_points
from runner.report.figures.curves import draw_curves
from runner.report.figures.losses import draw_losses
from runner.report.figures.outputs import draw_outputs
from runner.report.figures.path import draw_path
from runner.report.figures.planes import draw_planes
from runner.report.figures.success import draw_success
from runner.report.figures.times import draw_times
from runner.report.figures.tree import draw_tree
from runner.report.figures.units import draw_units
from runner.report.landscape_tables import Landscape

if TYPE_CHECKING:
    from runner.study.study import Study

FIGURES: Final[tuple[FigureFunction, ...]] = (
    draw_success,
    draw_budgets,
    draw_times,
    draw_costs,
    draw_losses,
    draw_curves,
    draw_basins,
    draw_units,
    draw_outputs,
    draw_barriers,
    draw_planes,
    draw_tree,
    draw_path,
    draw_critical_points,
)


def draw_all(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw every figure that the study allows; none while it has no restarts."""
    for figure in FIGURES:
        yield from figure(study, landscape)
