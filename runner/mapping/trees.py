"""The disconnectivity graphs of one configuration: of classes, and of all their images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.disconnectivity import Disconnectivity, Join
from runner.network.alignment import MAX_EXHAUSTIVE

CLASSES, IMAGES = "classes", "images"
"""Readings: images of one minimum are the same, or they are told apart."""


@dataclass(frozen=True, eq=False)
class Tree:
    """A disconnectivity graph, and which points its nodes are."""

    reading: str
    """`CLASSES` or `IMAGES`."""
    graph: Disconnectivity
    """Its nodes."""
    point: Mapping[int, int]
    """Node of a minimum -> position of the critical point."""
    image: Mapping[int, int]
    """Node of a minimum -> number of its image, from 0; -1 where images are not told apart."""


def class_tree(found: ConfigurationMap) -> Tree:
    """Return the tree of classes: an edge says that some of their images are connected."""
    points = found.points.points
    minima = {k: point.loss for k, point in enumerate(points) if point.is_minimum}
    joins = (
        Join(points[position].loss, position, end.point, position)
        for position, ends in sorted(found.paths.items())
        for end in ends
        if end.point >= 0
    )
    graph = Disconnectivity(minima, joins)
    return Tree(CLASSES, graph, {k: k for k in minima}, dict.fromkeys(minima, -1))


def image_tree(found: ConfigurationMap) -> Tree | None:
    """Return the tree of all images; None with families, or with more symmetries than are tried."""
    points, symmetries = found.points.points, found.points.symmetries
    families = any(point.is_family for point in points)
    if not points or families or symmetries.order > MAX_EXHAUSTIVE:
        return None
    images = found.points.images
    base = np.concatenate([[0], np.cumsum([each.shape[1] for each in images])])

    def nodes(position: int, weights: np.ndarray) -> int:
        apart = np.linalg.norm(images[position] - weights[:, None], axis=0)
        return int(base[position] + np.argmin(apart))

    steps = [
        (position, end.point, end.weights)
        for position, ends in sorted(found.paths.items())
        for end in ends
        if end.weights is not None
    ]
    joins = set()
    if steps:
        saddles = np.stack([points[position].weights for position, _, _ in steps], axis=1)
        minima = np.stack([weights for *_, weights in steps], axis=1)
        both = zip(symmetries.images(saddles), symmetries.images(minima), strict=True)
        for saddle, minimum in both:
            for k, (position, end, _) in enumerate(steps):
                one, other = nodes(position, saddle[:, k]), nodes(end, minimum[:, k])
                joins.add(Join(points[position].loss, one, other, position))
    losses, point, number = {}, {}, {}
    for position, each in enumerate(points):
        if each.is_minimum:
            for image in range(images[position].shape[1]):
                node = int(base[position] + image)
                losses[node], point[node], number[node] = each.loss, position, image
    return Tree(IMAGES, Disconnectivity(losses, joins), point, number)


def rows(configuration: int, tree: Tree, number: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """Yield rows of the table of trees; ``number`` has each point's class by its position."""
    for position, node in enumerate(tree.graph.nodes):
        is_minimum = node.minimum >= 0
        yield {
            "configuration": configuration,
            "reading": tree.reading,
            "node": position,
            "parent": node.parent,
            "kind": "minimum" if is_minimum else "join",
            "class": number[tree.point[node.minimum] if is_minimum else node.saddle],
            "image": tree.image[node.minimum] if is_minimum else -1,
            "loss": node.loss,
            "minima": node.n_minima,
            "lowest": number[tree.point[node.lowest]],
        }


class ClassTree:
    """The tree of classes, as the rows of the study's table."""

    def __init__(self, table: pd.DataFrame) -> None:
        rows: list[Any] = table[table["reading"] == CLASSES].to_dict("records")
        self._nodes = {row["node"]: row for row in rows}
        self._leaves = {row["class"]: row for row in rows if row["kind"] == "minimum"}

    def above(self, minimum: int) -> list[Any]:
        """Rows of the joins above a class of minima, upwards."""
        found, node = [], self._leaves[minimum]["parent"]
        while node >= 0:
            found.append(self._nodes[node])
            node = self._nodes[node]["parent"]
        return found

    def connection(self, one: int, other: int) -> Any:
        """Row of the join at which two classes become connected; None without one."""
        shared = {row["node"] for row in self.above(other)}
        return next((row for row in self.above(one) if row["node"] in shared), None)
