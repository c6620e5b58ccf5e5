"""Figures of the loss landscape: units and outputs of each class, barriers, planes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.errors.messages import counted
from runner.network.symmetry import Symmetries
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import drawn, highest_rise, number, percent, title
from runner.report.style import (
    MOST_CLASSES,
    MOST_PANELS,
    OTHER,
    PALETTE,
    Picture,
    class_colours,
    first,
    legend,
    panels,
)
from runner.report.surface import losses, outputs

if TYPE_CHECKING:
    from runner.experiment.plan import Configuration
    from runner.study.tables import Study

_MOST_PATHS = 60  # of a panel
_MOST_PRODUCTS = 5_000  # weights times patterns of a network that is evaluated on a grid
_GRID = 81  # points along one side of a plane or an input square
_MOST_DOTS = 500  # restarts of a panel


def pictures(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw every figure that the landscape tables allow."""
    configurations = study.plan.configurations
    found = [c for c in configurations if len(landscape.minima(c))]
    if units := [c for c in found if c.architecture.hidden and c.architecture.n_inputs >= 2]:
        yield _units(study, landscape, units)
    if flat := [c for c in found if c.architecture.n_inputs == 2 and _small(c)]:
        yield _outputs(landscape, flat)
    if crossed := [c for c in configurations if len(_paths(landscape, c))]:
        # without hidden units there is nothing to align; a study of such alone shows its paths
        hidden = [c for c in crossed if c.architecture.hidden]
        yield _barriers(landscape, hidden or crossed)
    if three := [c for c in found if len(landscape.minima(c)) >= 3 and _small(c)]:
        yield _planes(landscape, three)


def _small(configuration: Configuration) -> bool:
    if configuration.model is not None:
        return False  # a report executes nobody's code
    size = configuration.architecture.n_parameters * configuration.table.n_patterns
    return size <= _MOST_PRODUCTS


def _sample(landscape: Landscape, configurations: list[Configuration]) -> str:
    """Say of how many restarts the classes are."""
    sizes = {len(landscape.of("classes", c)) for c in configurations}
    n = f"{min(sizes):,} to {max(sizes):,}" if len(sizes) > 1 else f"{max(sizes):,}"
    return f"n = {n} analysed restarts of each configuration, the first ones."


def _units(study: Study, landscape: Landscape, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_PANELS]
    figure, grid = panels(len(shown), height=2.9 if len(shown) > 1 else 4.2)
    for axes, c in zip(grid, shown, strict=True):
        classes = landscape.minima(c)
        colours = class_colours(classes)
        symmetries = Symmetries(c.architecture, c.settings.loss.l2 > 0)
        names = list(c.architecture.parameter_names)
        endpoints = landscape.of("classes", c).set_index("restart")["class"]
        for number_, colour in colours.items():
            members = endpoints.index[endpoints == number_][:_MOST_DOTS]
            places = pd.MultiIndex.from_product([[c.index], members])
            ended = study.weights.loc[places, names].to_numpy(np.float64)
            turned = pd.DataFrame(symmetries.canonical(ended.T).T, columns=names)
            dots = _first_layer(turned, c)
            axes.plot(*dots, ".", color=colour, markersize=2, alpha=0.3, rasterized=True)
        for row, (_, minimum) in enumerate(classes.head(MOST_CLASSES).iterrows()):
            places_of = _first_layer(classes.iloc[[row]], c)
            axes.plot(
                *places_of,
                "os^Dv<>"[row],
                color=colours[int(minimum["class"])],
                markeredgecolor="black",
                markersize=7,
                label=f"class {int(minimum['class'])}",
            )
        axes.set_title(f"{drawn(c)}\n{counted(len(classes), 'class', 'classes')}")
        axes.set(xlabel="weight on input 0", ylabel="weight on input 1")
    legend(figure, grid, columns=MOST_CLASSES)
    return Picture(
        "units",
        "What the hidden units look like",
        "Each hidden unit of the first layer is a point: its weights on the first two inputs. Big "
        "marks: the representative of a class in canonical form; dots: the same for up to "
        f"{_MOST_DOTS} restarts of the class as they ended. The {MOST_CLASSES} largest classes. "
        f"{_sample(landscape, shown)}{first(len(configurations), len(shown))}",
        "Scatter of hidden units in the plane of their two input weights, a colour and a mark per "
        "class.",
        figure,
    )


def _first_layer(rows: pd.DataFrame, configuration: Configuration) -> tuple[np.ndarray, np.ndarray]:
    """Weights on the first two inputs of every unit of the first layer, flat."""
    units = configuration.architecture.hidden[0]
    x, y = (rows[[f"W1[{j},{i}]" for j in range(units)]].to_numpy(float).ravel() for i in (0, 1))
    return x, y


def _outputs(landscape: Landscape, configurations: list[Configuration]) -> Picture:
    each = max(1, MOST_PANELS // len(configurations))
    chosen = [
        (c, row) for c in configurations for _, row in landscape.minima(c).head(each).iterrows()
    ]
    shown = chosen[:MOST_PANELS]
    # the wider one, unless it leaves more room empty
    columns = min((4, 3), key=lambda wide: -len(shown) % wide)
    figure, grid = panels(len(shown), columns=columns, height=10.4 / columns)
    image = None
    for axes, (c, row) in zip(grid, shown, strict=True):
        table = c.table
        low, high = table.inputs.min(axis=0), table.inputs.max(axis=0)
        pad = 0.5 * (high - low)
        sides = [np.linspace(a, b, _GRID) for a, b in zip(low - pad, high + pad, strict=True)]
        points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
        values = outputs(c.architecture, weights(pd.DataFrame([row]), c)[0], points)[:, -1]
        targets = table.targets[:, -1]
        bottom, top = float(targets.min()), float(targets.max())
        top = top if top > bottom else bottom + 1
        share_ = np.clip((values - bottom) / (top - bottom), -0.25, 1.25).reshape(_GRID, _GRID)
        image = axes.pcolormesh(
            *sides, share_, cmap="PuOr", vmin=0, vmax=1, shading="auto", rasterized=True
        )
        # an output of one half everywhere has no line, only noise
        if share_.min() < 0.45 and share_.max() > 0.55:
            axes.contour(*sides, share_, levels=[0.5], colors="black", linewidths=1)
        for inputs, target in zip(table.inputs, targets, strict=True):
            upper = target > (bottom + top) / 2
            axes.plot(
                *inputs, "o" if upper else "s", color="black" if upper else "white",
                markeredgecolor="black",
            )  # fmt: skip
        axes.set_title(
            f"{drawn(c)}, {row['kind']}\nclass {int(row['class'])}: "
            f"{percent(float(row['share']))}, loss {number(float(row['loss']))}",
            fontsize=9,
        )
        axes.grid(visible=False)
        axes.set_aspect("equal")
        axes.set_xticks(np.unique(table.inputs[:, 0])[:8])
        axes.set_yticks(np.unique(table.inputs[:, 1])[:8])
    if image is not None:
        label = "output, from lower target (0) to upper (1)"
        figure.colorbar(image, ax=grid, label=label, location="bottom", shrink=0.5, aspect=40)
    return Picture(
        "outputs",
        "What each class computes",
        "Output of the representative of each class over the square of its two inputs. Black "
        "discs: patterns whose target is the upper one; white squares: the lower; line: halfway. "
        "Share of the analysed restarts and loss of the largest classes. "
        f"{_sample(landscape, configurations)}{first(len(chosen), len(shown), 'classes')}",
        "Colour maps of the network's output over its two inputs, one per class: "
        + "; ".join(f"{title(c)} class {int(r['class'])}" for c, r in shown),
        figure,
    )


def _paths(landscape: Landscape, configuration: Configuration) -> pd.DataFrame:
    table = landscape.of("barriers", configuration)
    if table.empty:
        return table
    between = table[table["pairs"] == "representatives"]
    return between if len(between) else table


def _barriers(landscape: Landscape, configurations: list[Configuration]) -> Picture:
    shown = configurations[: MOST_PANELS // 2]
    figure, grid = panels(2 * len(shown), columns=2, height=2.2)
    told = []
    for position, c in enumerate(shown):
        table = _paths(landscape, c)
        pair = grid[2 * position : 2 * position + 2]
        # one scale for both, so that what alignment removes is seen
        pair[1].sharey(pair[0])
        for axes, aligned in zip(pair, (False, True), strict=True):
            rows = table[table["aligned"].astype(bool) == aligned]
            highest = rows.sort_values("excess", ascending=False).head(_MOST_PATHS)
            _draw_paths(axes, highest, PALETTE[2] if aligned else PALETTE[1])
            when = "after" if aligned else "before"
            height = highest_rise(rows)
            rising = f"rising up to {number(height)}" if height else "none rises"
            text = f"{counted(len(rows), 'pair')}, {rising}"
            axes.set_title(f"{drawn(c)}, {when} alignment\n{text}", fontsize=9)
            told.append(f"{title(c)} {when} alignment: {text}")
        pair[0].set_ylabel("loss")
        # from 0, so that differences far below the loss look as small as they are
        pair[0].set_ylim(bottom=min(0.0, pair[0].get_ylim()[0]))
        pair[1].tick_params(labelleft=False)
    for axes in grid[-2:]:
        axes.set_xlabel("way from one endpoint to the other")
    return Picture(
        "barriers",
        "Hills between the endpoints",
        "Loss along straight lines between pairs of class representatives (where there are none, "
        "of sampled endpoints), before and after the hidden units of one are exchanged to match "
        f"the other's. At most {_MOST_PATHS} lines of a panel, those that rise most above the line "
        f"between their ends.{first(len(configurations), len(shown))}",
        "Lines of the loss along straight paths. " + "; ".join(told),
        figure,
    )


def _draw_paths(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    for path in rows["path"]:
        values = np.asarray(path, np.float64)
        axes.plot(
            np.linspace(0, 1, len(values)),
            values,
            color=colour,
            alpha=0.5,
            linewidth=0.9,
            rasterized=True,
        )
    if rows.empty:
        axes.text(0.5, 0.5, "no pairs", ha="center", transform=axes.transAxes, color=OTHER)


def _planes(landscape: Landscape, configurations: list[Configuration]) -> Picture:
    shown = configurations[: MOST_PANELS // 2]
    # the scale below each square is as wide as the square, which its height bounds
    height_, shrink = {1: (5.5, 0.5), 2: (4.6, 0.8)}.get(len(shown), (3.4, 0.9))
    figure, grid = panels(len(shown), height=height_)
    for axes, c in zip(grid, shown, strict=True):
        three = landscape.minima(c).head(3)
        corners = weights(three, c)
        origin = corners[0]
        basis, _ = np.linalg.qr((corners[1:] - origin).T)
        flat = (corners - origin) @ basis
        # a square around them: distances are true in both directions
        middle = 0.5 * (flat.min(axis=0) + flat.max(axis=0))
        reach = 0.8 * max(float(np.ptp(flat, axis=0).max()), 1e-6)
        sides = [np.linspace(m - reach, m + reach, _GRID) for m in middle]
        points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
        surface = losses(c, origin[:, None] + basis @ points.T).reshape(_GRID, _GRID)
        height = np.log10(np.maximum(surface, 1e-12))
        image = axes.pcolormesh(*sides, height, cmap="viridis", shading="auto", rasterized=True)
        axes.contour(*sides, height, levels=8, colors="white", linewidths=0.4)
        figure.colorbar(
            image, ax=axes, label="log10 loss", location="bottom", shrink=shrink, aspect=30
        )
        # names of near points one above the other
        for up, place, (_, row) in zip((0, -10, 10), flat, three.iterrows(), strict=True):
            right = place[0] > middle[0]
            axes.plot(*place, "o", color="white", markeredgecolor="black")
            axes.annotate(
                f"class {int(row['class'])}",
                place,
                xytext=(-7 if right else 7, up),
                textcoords="offset points",
                ha="right" if right else "left",
                va="center",
                fontsize=8,
                color="white",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "black", "alpha": 0.6},
            )
        axes.set_title(drawn(c))
        axes.grid(visible=False)
        axes.set_aspect("equal")
    return Picture(
        "planes",
        "The loss between three classes",
        "Loss in the plane through the representatives of the three largest classes, in distances "
        f"between weights, on {_GRID} × {_GRID} points. What lies outside this plane is not seen: "
        f"they may be joined there. {_sample(landscape, shown)}"
        f"{first(len(configurations), len(shown))}",
        "Colour maps of the loss in the plane through three representatives.",
        figure,
    )
