"""Which starts of a slice lead where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from runner.report.colours import LABEL_COLOURS, ORDERED_MAP, OTHER, class_colours
from runner.report.figures.base import Key, Panel, Picture, sampled_restarts, trained
from runner.report.figures.choice import chosen, telling
from runner.report.figures.scales import scale
from runner.report.landscape_tables import Landscape
from runner.report.names import title
from runner.report.numbers import drawable, percent
from runner.report.style import MOST_PANELS, Shape
from runner.report.svg import Tips
from runner.study.statistics.times import times_known
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.network.slices import Slice
    from runner.study.study import Study

_SHAPE = Shape(3.2, 3.5, bottom=0.95)


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
    panels.append(Panel("label of the restart", partial(_draw_codes, grid, codes, colours)))
    keys = [Key(label, colours[k]) for k, label in enumerate(LABELS) if (codes == k).any()]
    if classes is not None:
        found, shades, names = classes
        panels.append(Panel("class of its endpoint", partial(_draw_codes, grid, found, shades)))
        keys += [Key(names[k], shades[k]) for k in shades if (found == k).any()]
    fixed = ", ".join(f"{weight} {value:g}" for weight, value in grid.at.items())
    analysed = len(landscape.of("classes", c))
    part = f", or not among the {analysed:,} analysed" if analysed < grid.n_restarts else ""
    unclassed = "" if classes is None else f"Empty among the classes: of none{part}. "
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
        axes.set_facecolor("#c9c9c9")
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


def _draw_codes(grid: Slice, codes: np.ndarray, colours: Mapping[int, str], axes: Axes) -> Tips:
    """Colour every start by a code; starts without one stay empty."""
    present = [code for code in colours if (codes == code).any()]
    ranks = np.full(codes.shape, -1)
    for rank, code in enumerate(present):
        ranks[codes == code] = rank
    if present:
        palette = ListedColormap([colours[code] for code in present])
        masked = np.ma.masked_less(ranks, 0)
        _draw_square(axes, grid, masked, cmap=palette, vmin=-0.5, vmax=len(present) - 0.5)
    return {}


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
