"""The rows of the table of paths: stations on the way down from saddles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.transitions import SIDES, by_side

MOST_STATIONS = 50_000
"""Rows of a configuration, but for those of the last saddle: a table has to be read as a whole."""


def frames(found: ConfigurationMap, number: Mapping[int, int]) -> Iterator[pd.DataFrame]:
    """Yield the stations of one configuration's paths, from the lowest saddles.

    Parameters
    ----------
    found : ConfigurationMap
    number : mapping of int to int
        The class of each critical point by its position.
    """
    points, n = found.points.points, 0
    names = found.configuration.architecture.parameter_names
    lowest = sorted(found.paths.items(), key=lambda item: (points[item[0]].loss, number[item[0]]))
    for position, ends in lowest:
        if n >= MOST_STATIONS:
            break
        if len(ends) != len(SIDES):
            continue  # no worker could follow its paths
        for side, end in zip(SIDES, by_side(ends), strict=True):
            on = end.stations
            n += len(on.distance)
            columns = {
                "configuration": found.configuration.index,
                "class": number[position],
                "side": side,
                "station": np.arange(len(on.distance)),
                "distance": on.distance,
                "loss": on.loss,
            }
            yield pd.DataFrame(columns | dict(zip(names, on.weights.T, strict=True)))
