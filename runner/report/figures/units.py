"""Hidden units of each class of endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from runner.errors.messages import counted
from runner.network.canonical_images import canonical_images
from runner.report.colours import INK, MOST_CLASSES, OTHER, class_colours
from runner.report.figures.base import Key, Panel, Picture, classified, n_analysed_text
from runner.report.figures.choice import chosen, telling
from runner.report.figures.scales import signed_axes
from runner.report.landscape_tables import Landscape, weights
from runner.report.names import title
from runner.report.numbers import drawable, number, percent
from runner.report.style import MOST_PANELS, SINGLE, Shape
from runner.report.svg import Tips

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_MOST_DOTS = 500  # restarts of a class
_MARKS = "os^Dv<>"
_SHAPE = Shape(3.2, 2.6)


def draw_units(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw the first layer's units by their weights on the first two inputs."""
    configurations = [
        c
        for c in classified(study, landscape)
        if c.architecture.has_hidden_units and c.architecture.n_inputs >= 2
    ]
    if not configurations:
        return
    shown = telling(study, configurations, MOST_PANELS)
    seen = max((len(landscape.minima(c)) for c in shown), default=0)
    yield Picture(
        "units",
        "What the hidden units look like",
        "Each hidden unit of the first layer is a point: its weights on the first two inputs. Big "
        "marks: the representative of a class in canonical form; dots: the same for up to "
        f"{_MOST_DOTS} restarts of the class as they ended. Hues are kinds of classes, marks the "
        f"{MOST_CLASSES} largest classes. Axes with weights far out are linear between the ticks "
        f"next to 0 and logarithmic beyond. {n_analysed_text(landscape, shown)}"
        f"{chosen(len(configurations), len(shown))}",
        "Scatter of hidden units in the plane of their two input weights, a mark per class.",
        tuple(
            Panel(
                title(c),
                partial(_draw, study, landscape, c),
                counted(len(landscape.minima(c)), "class", "classes"),
            )
            for c in shown
        ),
        _data(landscape, shown),
        keys=tuple(Key(f"class {k}", OTHER, _MARKS[k]) for k in range(min(seen, MOST_CLASSES))),
        shape=_SHAPE if len(shown) > 1 else SINGLE,
        table="minima",
    )


def _data(landscape: Landscape, configurations: list[Configuration]) -> pd.DataFrame:
    """Return the units of the representatives, one row each."""
    parts = []
    for c in configurations:
        classes = landscape.minima(c).head(MOST_CLASSES)
        x, y = _first_layer(weights(classes, c), c)
        units = len(x) // max(len(classes), 1)
        rows = classes.loc[classes.index.repeat(units), ["configuration", "class", "kind"]]
        parts.append(rows.assign(weight_on_input_0=x, weight_on_input_1=y))
    return pd.concat(parts, ignore_index=True)


def _draw(study: Study, landscape: Landscape, c: Configuration, axes: Axes) -> Tips:
    classes = landscape.minima(c)
    colours = class_colours(classes)
    symmetries = c.symmetries
    names = list(c.architecture.parameter_names)
    endpoints = landscape.of("classes", c).set_index("restart")["class"]
    tips: Tips = {}
    for number_, colour in colours.items():
        members = endpoints.index[endpoints == number_][:_MOST_DOTS]
        places = pd.MultiIndex.from_product([[c.index], members])
        ended = study.weights.loc[places, names].to_numpy(np.float64)
        dots = _first_layer(canonical_images(symmetries, ended.T).T, c)
        axes.plot(*dots, ".", color=colour, markersize=1.5, alpha=0.3, rasterized=True)
    largest = classes.head(MOST_CLASSES)
    points = weights(largest, c)
    for row, (_, minimum) in enumerate(largest.iterrows()):
        (marks,) = axes.plot(
            *_first_layer(points[[row]], c),
            _MARKS[row],
            color=colours[int(minimum["class"])],
            markeredgecolor=INK,
            markeredgewidth=0.6,
            markersize=5,
        )
        tips[marks] = [
            f"class {int(minimum['class'])}, {minimum['kind']}: "
            f"{percent(float(minimum['share']))}, loss {number(float(minimum['loss']))}"
        ]
    axes.set(xlabel="weight on input 0", ylabel="weight on input 1")
    if not signed_axes(axes, np.concatenate(_first_layer(points, c))):
        axes.locator_params(nbins=5)
    return tips


def _first_layer(points: np.ndarray, configuration: Configuration) -> tuple[np.ndarray, np.ndarray]:
    """Weights on the first two inputs of every unit of the first layer, flat.

    ``points`` are weights, shape (n, n_parameters).
    """
    units = configuration.architecture.require_layers().hidden[0]
    places = {name: k for k, name in enumerate(configuration.architecture.parameter_names)}
    x, y = (
        drawable(points[:, [places[f"W1[{j},{i}]"] for j in range(units)]]).ravel() for i in (0, 1)
    )
    return x, y
