"""`study.plot`: the report's figures as Matplotlib's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from runner.errors import StudyError
from runner.errors.messages import listed, nearest, printable
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
from runner.report.figures.sheet import lay_out, sheet_size
from runner.report.figures.success import draw_success
from runner.report.figures.times import draw_times
from runner.report.figures.tree import READINGS, draw_tree
from runner.report.figures.units import draw_units
from runner.report.landscape_tables import Landscape
from runner.report.style import styled

if TYPE_CHECKING:
    from runner.study.study import Study

_ANALYSED = "Run runner.analyze on it first, where it has more than one class."
_MAPPED = "Run runner.map_landscape on it first."
_STOPPED = "Only restarts that stop when they are solved tell: training.stop_solved = true."


class Plots:
    """The figures of one study's report.

    Each method makes a figure of its own, or draws on the axes that it is given: one `Axes`, or as
    many as the figure has panels. It returns the panels' axes, shape (panels,), for changes of
    one's own.

    Parameters
    ----------
    study : Study

    Examples
    --------
    >>> study = open_study("results/gates")  # doctest: +SKIP
    >>> axes = study.plot.success()  # doctest: +SKIP
    >>> axes[0].figure.savefig("success.pdf")  # doctest: +SKIP
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def success(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw how many restarts are solved: over an ordered axis, two of them, or as bars."""
        return self._drawn("success", draw_success, axes, "Expected random starts.")

    def budgets(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the share of restarts that are solved within a budget of steps."""
        return self._drawn("budgets", draw_budgets, axes, _STOPPED)

    def times(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the share of restarts that are not yet solved, by step."""
        return self._drawn("times", draw_times, axes, _STOPPED)

    def costs(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the expected steps per solution, by the step at which restarts are given up."""
        return self._drawn("costs", draw_costs, axes, _STOPPED)

    def losses(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw histograms of the final loss, coloured by label."""
        return self._drawn("losses", draw_losses, axes, "Expected trained restarts.")

    def curves(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the loss of the first restarts, step by step."""
        return self._drawn("curves", draw_curves, axes, "Expected random starts and curves.")

    def basins(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw which starts of the first slice lead where."""
        return self._drawn("basins", draw_basins, axes, "Expected init.distribution = slice.")

    def classes(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw what the representatives of the largest classes compute from two inputs."""
        return self._drawn("classes", draw_outputs, axes, _ANALYSED)

    def units(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the hidden units of each class by their weights on the first two inputs."""
        return self._drawn("units", draw_units, axes, _ANALYSED)

    def barriers(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the loss on straight paths between endpoints, before and after alignment."""
        return self._drawn("barriers", draw_barriers, axes, _ANALYSED)

    def planes(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the loss in the plane through three classes."""
        return self._drawn("planes", draw_planes, axes, _ANALYSED)

    def tree(
        self, axes: Axes | Sequence[Axes] | None = None, *, reading: str = READINGS[0]
    ) -> np.ndarray:
        """Draw the disconnectivity graph: at which loss which minima become connected.

        Parameters
        ----------
        axes : Axes or sequence of Axes, optional
            As of every method.
        reading : str
            ``classes``: images of a minimum are one leaf; ``images``: each is one of its own, where
            `Study.tree` has that reading.

        Raises
        ------
        StudyError
            If the study has not been mapped, has no minimum, or has not this reading.
        """
        if reading not in READINGS:
            message = (
                f"study.plot.tree: reading is {reading!r}; expected {' or '.join(READINGS)}. "
                "Leave it out for the tree of classes."
            )
            raise StudyError(message)
        needs = f"{_MAPPED} study.tree needs rows of the reading {reading!r}."
        return self._drawn("tree", partial(draw_tree, reading=reading), axes, needs)

    def path(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the loss along the lowest known way between the two lowest classes of minima.

        Of a network of two inputs also what it computes at five stations of that way. A second
        panel has the basins around its highest point, where `Study.basins` has them.
        """
        needs = f"{_MAPPED} It needs two classes of minima that a known way joins."
        return self._drawn("path", draw_path, axes, needs)

    def critical_points(self, axes: Axes | Sequence[Axes] | None = None) -> np.ndarray:
        """Draw the index of the map's critical points against their loss."""
        return self._drawn("critical_points", draw_critical_points, axes, _MAPPED)

    def __getattr__(self, name: str) -> Callable[..., np.ndarray]:
        figures = [each for each in vars(Plots) if not each.startswith("_")]
        raise AttributeError(
            f"study.plot: {name!r} is no figure; expected one of {listed(figures)}."
            f"{nearest(name, figures)}"
        )

    def _drawn(
        self, name: str, draw: FigureFunction, axes: Axes | Sequence[Axes] | None, needs: str
    ) -> np.ndarray:
        with np.errstate(all="ignore"):
            picture = next(draw(self._study, Landscape(self._study)), None)
            if picture is None:
                place = printable(str(self._study.path))
                message = f"study.plot.{name}: {place} has nothing to draw for it. {needs}"
                raise StudyError(message)
            if axes is None:
                return _own_figure(picture)
            given = [axes] if isinstance(axes, Axes) else list(np.ravel(np.asarray(axes)))
            return _on_axes(name, picture, given)


def _own_figure(picture: Picture) -> np.ndarray:
    from matplotlib import pyplot as plt

    # before the style: a notebook's first figure makes pyplot interactive, and it has to stay so
    figure = plt.figure(figsize=sheet_size(picture))
    with styled():
        axes = lay_out(figure, picture)
        figure.draw_without_rendering()  # ticks are made when drawn first: in this style
    return np.array(axes, object)


def _on_axes(name: str, picture: Picture, axes: list[Axes]) -> np.ndarray:
    n = len(picture.panels)
    if len(axes) != n:
        message = (
            f"study.plot.{name}: axes are {len(axes)}; expected {n}, one for each panel. Leave "
            "axes out for a figure of their own."
        )
        raise StudyError(message)
    with styled():
        for each, panel in zip(axes, picture.panels, strict=True):
            panel.draw(each)
            each.set_title("\n".join(filter(None, (panel.title, panel.note))))
    return np.array(axes, object)
