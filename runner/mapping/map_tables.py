"""The tables of a map, made of what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from runner.mapping import basins, completeness, paths, transitions, trees
from runner.mapping.configuration_map import ConfigurationMap, classes
from runner.mapping.searches import BETWEEN, ENDPOINT, PATH, RANDOM
from runner.network.canonical_images import canonical_images
from runner.study.tables.map_columns import MAP_TABLES


def tables(maps: Iterable[ConfigurationMap], names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the tables of the maps of a study's configurations, by name.

    Parameters
    ----------
    maps : iterable of ConfigurationMap
        In the order of the configurations.
    names : sequence of str
        Of the study's parameters, the last columns of the tables of critical points, paths and
        basins.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in MAP_TABLES}
    frames: dict[str, list[pd.DataFrame]] = {"paths": [], "basins": []}
    for found in maps:
        number = classes(found)
        rows["critical_points"] += _point_rows(found, number)
        rows["transitions"] += transitions.rows(found, number)
        for tree in (trees.class_tree(found), trees.image_tree(found)):
            if tree is not None:
                rows["tree"] += trees.rows(found.configuration.index, tree, number)
        rows["completeness"] += completeness.rows(found)
        frames["paths"] += paths.frames(found, number)
        frames["basins"] += basins.frames(found, number)
    columns = {name: list(MAP_TABLES[name]) for name in MAP_TABLES}
    for name in ("critical_points", *frames):
        columns[name] += names
    made = {name: pd.DataFrame(rows[name], columns=columns[name]) for name in MAP_TABLES}
    for name, parts in frames.items():
        if parts:
            made[name] = pd.concat(parts, ignore_index=True)[columns[name]]
    for name in ("critical_points", *frames):  # an empty table's weights are numbers too
        made[name] = made[name].astype(dict.fromkeys(names, float))
    return made


def _point_rows(found: ConfigurationMap, number: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    names = found.configuration.architecture.parameter_names
    for position, class_ in sorted(number.items(), key=lambda item: item[1]):
        point = found.points.points[position]
        weights = canonical_images(found.points.symmetries, point.weights[:, None])[:, 0]
        yield {
            "configuration": found.configuration.index,
            "class": class_,
            "kind": transitions.kind_of(point),
            "index": point.index,
            "null_directions": point.null_directions,
            "loss": point.loss,
            "gradient_norm": point.gradient_norm,
            "multiplicity": found.points.multiplicity(point),
            "found": sum(point.found.values()),
            **{f"from_{o}": point.found[o] for o in (RANDOM, BETWEEN, ENDPOINT, PATH)},
            "first_search": point.first - 1,
            "eigenvalues": point.eigenvalues,
        } | dict(zip(names, weights, strict=True))
