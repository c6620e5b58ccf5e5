"""Which starts of a slice lead where."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap
from matplotlib.path import Path

from runner.report.colours import LABEL_COLOURS, ORDERED_MAP, OTHER, UNSOLVED, class_colours
from runner.report.figures.base import Key, Panel, Picture, sampled_restarts, trained
from runner.report.figures.choice import chosen, telling
from runner.report.figures.scales import scale
from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.numbers import drawable, percent
from runner.report.style import MOST_PANELS, Shape
from runner.report.svg import Tips
from runner.study.statistics.base import times_known
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.network.slices import Slice
    from runner.study.study import Study

_SHAPE = Shape(3.2, 3.5, bottom=0.95)
_SPARE = 0.5  # inches: what a panel without a scale leaves empty at its foot
_MOST_BOXES = (
    20_000  # of a picture of codes; one of more is an image, which keeps a light page's colours
)


def draw_basins(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw each slice: steps or loss, labels and classes over its two weights."""
    slices = [c for c in trained(study) if c.settings.init.slice is not None]
    shown = telling(study, slices, MOST_PANELS)
    for c in shown:
        if c.settings.init.slice is not None:
            name = "basins" if len(slices) == 1 else f"basins-{c.index}"
            left_out = chosen(len(slices), len(shown))
            yield _picture(study, landscape, c, c.settings.init.slice, name, left_out)


def _picture(
    study: Study, landscape: Landscape, c: Configuration, grid: Slice, name: str, left_out: str
) -> Picture:
    frame = sampled_restarts(study, c).reindex(range(grid.n_restarts))
    classes = _classes(landscape, c, grid.n_restarts)
    what, grey, draw = _steps_or_loss(grid, frame, times_known(c))
    panels = [Panel(what, draw)]
    codes = frame["label"].cat.codes.to_numpy()
    colours = {code: LABEL_COLOURS[label] for code, label in enumerate(LABELS)}
    panels.append(_codes_panel("label of the restart", grid, codes, colours))
    keys = [Key(label, colours[k]) for k, label in enumerate(LABELS) if (codes == k).any()]
    if classes is not None:
        found, shades, names = classes
        panels.append(_codes_panel("class of its endpoint", grid, found, shades))
        keys += [Key(names[k], shades[k]) for k in shades if (found == k).any()]
    fixed = ", ".join(f"{weight} {value:g}" for weight, value in grid.at.items())
    analysed = len(landscape.of("classes", c))
    part = f", or are not among the {analysed:,} analysed" if analysed < grid.n_restarts else ""
    unclassed = f"Starts without a colour in the picture of classes belong to none{part}. "
    unclassed = "" if classes is None else unclassed
    done = int(frame["label"].notna().sum())
    counts = frame["label"].value_counts()
    return Picture(
        name,
        f"Which starts lead where: {title(c)}",
        f"{grid.x.n:,} × {grid.y.n:,} starts, {done:,} trained; all other starting weights are "
        f"fixed: {fixed}. {grey}. {unclassed}No random sample: shares here are of this square only."
        f"{left_out}",
        f"Pictures of the square of starts. Solved: {percent(float(frame['solved'].mean()))}; "
        + ", ".join(f"{label}: {count:,}" for label, count in counts.items() if count),
        tuple(panels),
        _data(grid, frame),
        keys=tuple(keys),
        shape=_SHAPE,
        table="summary",
    )


def _data(grid: Slice, frame: pd.DataFrame) -> pd.DataFrame:
    restart = np.arange(grid.n_restarts)
    x, y = (np.linspace(axis.low, axis.high, axis.n) for axis in (grid.x, grid.y))
    return pd.DataFrame(
        {
            grid.x.name: x[restart % grid.x.n],
            grid.y.name: y[restart // grid.x.n],
            **frame[["label", "steps", "loss"]].to_dict("series"),
        }
    )


def _steps_or_loss(
    grid: Slice, frame: pd.DataFrame, stops_solved: bool
) -> tuple[str, str, Callable[[Axes], Tips]]:
    """Colour every solved start by its steps, or all by their loss; say what is grey."""
    solved = frame["solved"].eq(True)
    if solved.any():
        name, column = "steps", frame["steps"].where(solved)
        what = "steps to solution" if stops_solved else "steps of solved restarts"
        grey = "Grey: not solved"
    else:
        name, column, what = "loss", frame["loss"], "final loss"
        grey = "None was solved. Grey: loss not finite"
    values = np.ma.masked_invalid(drawable(column))

    def draw(axes: Axes) -> Tips:
        image = _draw_square(axes, grid, values, cmap=ORDERED_MAP)
        axes.set_facecolor(UNSOLVED)
        scale(axes, image, name)
        return {}

    return what, grey, draw


def _classes(
    landscape: Landscape, configuration: Configuration, n: int
) -> tuple[np.ndarray, dict[int, str], dict[int, str]] | None:
    """Class of every start's endpoint, with the classes' colours and names; None without any."""
    table = landscape.of("classes", configuration)
    minima = landscape.minima(configuration)
    if table.empty or minima.empty:
        return None
    found = table.set_index("restart")["class"].reindex(range(n), fill_value=-1).to_numpy(int)
    colours = class_colours(minima)
    names = {number_: f"class {number_}" for number_ in colours}
    other = np.isin(found, [*colours, -1], invert=True)
    if other.any():
        code = int(found.max()) + 1
        found = np.where(other, code, found)
        colours, names = colours | {code: OTHER}, names | {code: "smaller classes"}
    return found, colours, names


def _codes_panel(name: str, grid: Slice, codes: np.ndarray, colours: Mapping[int, str]) -> Panel:
    return Panel(name, partial(_draw_codes, grid, codes, colours), spare=_SPARE)


def _draw_codes(grid: Slice, codes: np.ndarray, colours: Mapping[int, str], axes: Axes) -> Tips:
    """Colour every start by a code; starts without one stay empty."""
    present = [code for code in colours if (codes == code).any()]
    ranks = np.full(codes.shape, -1)
    for rank, code in enumerate(present):
        ranks[codes == code] = rank
    palette = ListedColormap([colours[code] for code in present] or [OTHER])
    image = _draw_square(
        axes, grid, np.ma.masked_less(ranks, 0), cmap=palette, vmin=-0.5, vmax=len(present) - 0.5
    )
    found = boxes(ranks.reshape(grid.y.n, grid.x.n))
    if len(found) <= _MOST_BOXES:  # drawn as areas, whose colours follow the page
        left, right, low, high = image.get_extent()
        image.remove()
        axes.set(xlim=(left, right), ylim=(low, high))
        size = ((right - left) / grid.x.n, (high - low) / grid.y.n)
        for rank, code in enumerate(present):
            own = found[found[:, 0] == rank, 1:] * np.tile(size, 2) + np.tile((left, low), 2)
            shape = area(own)
            axes.add_collection(PathCollection([shape], facecolors=colours[code], linewidths=0))
    return {}


def boxes(ranks: np.ndarray) -> np.ndarray:
    """Return rows (rank, left, low, right, high) that cover the cells of each rank from 0 up.

    Parameters
    ----------
    ranks : ndarray, shape (rows, columns), int
    """
    found: list[tuple[int, int, int, int, int]] = []
    begun: dict[tuple[int, int, int], int] = {}  # (rank, left, right) of the row before: its low
    for k, row in enumerate([*ranks, np.full(ranks.shape[1], -1)]):
        edges = np.concatenate([[0], np.flatnonzero(np.diff(row)) + 1, [len(row)]])
        runs = {
            (int(row[a]), int(a), int(b)): k for a, b in itertools.pairwise(edges) if row[a] >= 0
        }
        for run, low in begun.items():
            if run in runs:
                runs[run] = low
            else:
                found.append((run[0], run[1], low, run[2], k))
        begun = runs
    return np.array(found, np.int64).reshape(-1, 5)


def area(boxes: np.ndarray) -> Path:
    """Return one path around boxes, rows (left, low, right, high)."""
    left, low, right, high = boxes.T
    x = np.column_stack([left, right, right, left, left])
    y = np.column_stack([low, low, high, high, low])
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(np.column_stack([x.ravel(), y.ravel()]), np.tile(codes, len(boxes)))


def _draw_square(axes: Axes, grid: Slice, values: Any, **style: Any) -> Any:
    """Show one value per start, each start in the middle of its cell."""
    sides = []
    for axis in (grid.x, grid.y):
        half = (axis.high - axis.low) / (axis.n - 1) / 2
        sides += [axis.low - half, axis.high + half]
    axes.set(xlabel=grid.x.name, ylabel=grid.y.name)
    axes.grid(visible=False)
    axes.locator_params(nbins=5)
    return axes.imshow(
        values.reshape(grid.y.n, grid.x.n),
        origin="lower",
        extent=(sides[0], sides[1], sides[2], sides[3]),
        aspect="auto",
        interpolation="none",
        **style,
    )
