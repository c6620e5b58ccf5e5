"""Basins: to which critical points the starts in a plane lead, and the rows of their table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from runner.mapping.basin_planes import Plane
from runner.mapping.configuration_map import ConfigurationMap, PlaneBasins, records
from runner.mapping.eigenvector_following import ARRIVED
from runner.mapping.transitions import end_named, kind_named


def basins_of(
    found: ConfigurationMap, plane: Plane, side: int, ends: pd.DataFrame
) -> PlaneBasins | None:
    """Return where the starts in a plane lead; None where workers could not follow all of them.

    A point that is not known stays so: what is searched, and what is found, must not depend on
    when somebody looked at basins.

    Parameters
    ----------
    found : ConfigurationMap
    plane : Plane
    side : int
        Starts along one side of its square.
    ends : DataFrame
        As `runner.mapping.worker.descend_from_starts` returns them.
    """
    coordinates = plane.grid(side)
    if len(ends) != coordinates.shape[1]:
        return None
    shown = ends[ends["number"] == ends["same_as"]]
    point = {row["number"]: found.points.find(row) for row in records(shown)}
    columns = (ends[name] for name in ("status", "index", "null_directions"))
    return PlaneBasins(
        plane.saddle,
        coordinates,
        plane.weights(coordinates),
        [
            kind_named(index, null > 0) if status == ARRIVED else end_named(status)
            for status, index, null in zip(*columns, strict=True)
        ],
        np.array([point.get(number, -1) for number in ends["same_as"]], int),
        ends["loss"].to_numpy(float),
    )


def frames(found: ConfigurationMap, number: Mapping[int, int]) -> Iterator[pd.DataFrame]:
    """Yield the starts of one configuration's plane and their ends, if it has any.

    Parameters
    ----------
    found : ConfigurationMap
    number : mapping of int to int
        The class of each critical point by its position.
    """
    basins = found.basins
    if basins is None:
        return
    names = found.configuration.architecture.parameter_names
    columns = {
        "configuration": found.configuration.index,
        "saddle": number[basins.saddle],
        "x": basins.coordinates[0],
        "y": basins.coordinates[1],
        "outcome": basins.end,
        "class": [number[k] if k >= 0 else -1 for k in basins.point.tolist()],
        "loss": basins.loss,
    }
    yield pd.DataFrame(columns | dict(zip(names, basins.weights, strict=True)))
