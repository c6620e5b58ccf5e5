"""Hidden units of each class of endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.errors.messages import counted
from runner.network.symmetry import Symmetries
from runner.report.figures.base import Picture, classified, n_analysed_text
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn
from runner.report.numbers import drawable
from runner.report.style import MOST_CLASSES, MOST_PANELS, class_colours, first, legend, panels

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_DOTS = 500  # restarts of a panel


def draw_units(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the first layer's units by their weights on the first two inputs."""
    configurations = [
        c
        for c in classified(study, landscape)
        if c.architecture.has_hidden_units and c.architecture.n_inputs >= 2
    ]
    if configurations:
        yield _picture(study, landscape, configurations)


def _picture(study: Study, landscape: Landscape, configurations: list[Configuration]) -> Picture:
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
        f"{n_analysed_text(landscape, shown)}{first(len(configurations), len(shown))}",
        "Scatter of hidden units in the plane of their two input weights, a colour and a mark per "
        "class.",
        figure,
    )


def _first_layer(rows: pd.DataFrame, configuration: Configuration) -> tuple[np.ndarray, np.ndarray]:
    """Weights on the first two inputs of every unit of the first layer, flat."""
    units = configuration.architecture.require_layers().hidden[0]
    x, y = (drawable(rows[[f"W1[{j},{i}]" for j in range(units)]]).ravel() for i in (0, 1))
    return x, y
