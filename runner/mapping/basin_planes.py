"""Planes around lowest ways, in which basins are looked at.

A plane is that of the two lowest classes of minima and of the highest saddle on the lowest known
way between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.mapping import transitions, trees
from runner.mapping.configuration_map import ConfigurationMap, classes
from runner.mapping.continuous_ways import continuous
from runner.mapping.lowest_paths import Leg, lowest_way
from runner.mapping.trees import ClassTree

_MARGIN = 0.25  # of the square, on every side of what it is drawn around
_FLAT = 0.02  # share of the distance of both ends, nearer to whose line three points have no plane
_LEAST = 9  # starts along one side, fewer than which show nothing
_CUBES = 33**2 * 50**3  # most starts times cubes of parameters, which a step of a path takes


@dataclass(frozen=True)
class Plane:
    """A plane in the space of weights, with a square in it."""

    saddle: int
    """Position of the saddle that it goes through."""
    origin: np.ndarray
    """(n_parameters,): the lowest minimum, where the way begins."""
    basis: np.ndarray
    """(n_parameters, 2), orthonormal: towards the other minimum, and then towards the saddle."""
    middle: np.ndarray
    """(2,): of the square."""
    reach: float
    """Half of its side."""

    def grid(self, side: int) -> np.ndarray:
        """Coordinates (2, side²) of starts in the square, row by row."""
        steps = np.linspace(-self.reach, self.reach, side)
        y, x = np.meshgrid(steps, steps, indexing="ij")
        return self.middle[:, None] + np.stack([x.ravel(), y.ravel()])

    def weights(self, coordinates: np.ndarray) -> np.ndarray:
        """Weights (n_parameters, n) at coordinates (2, n)."""
        return np.asarray(self.origin[:, None] + self.basis @ coordinates)


def side_of(n_parameters: int, most: int) -> int:
    """Starts along one side of the square for a network of so many parameters; 0 for none."""
    side = min(most, math.isqrt(_CUBES // n_parameters**3))
    return side if side >= min(most, _LEAST) else 0


def plane_of(found: ConfigurationMap) -> Plane | None:
    """Return the plane in which basins are looked at; None without a way between two minima."""
    number = classes(found)
    position = {class_: k for k, class_ in number.items()}
    legs = _legs(found, number, position)
    if not legs:
        return None
    top = max((leg.saddle for leg in legs), key=lambda k: found.points.points[position[k]].loss)
    kept = [leg.saddle for leg in legs].index(top)
    ways = [_stations(found, position[leg.saddle], leg) for leg in legs]
    way = np.concatenate(continuous(found.points.symmetries, ways, kept)[1])
    saddle = ways[kept][-1]
    origin, line = way[0], way[-1] - way[0]
    apart = np.linalg.norm(line)
    if not apart or not np.isfinite(way).all():
        return None
    first = line / apart
    off = np.vstack([saddle, way]) - origin
    off -= np.outer(off @ first, first)
    away = np.linalg.norm(off, axis=1)
    # the saddle's own, unless it lies between the ends: then the furthest that the way goes astray
    aside = off[0] if away[0] > _FLAT * apart else off[np.argmax(away)]
    if away.max() <= _FLAT * apart:
        axis = np.argmin(np.abs(first))  # the way is straight: any plane through it will do
        aside = np.eye(len(first))[axis] - first[axis] * first
    second = aside - (aside @ first) * first  # once more, against rounding
    basis = np.column_stack([first, second / np.linalg.norm(second)])
    flat = (way - origin) @ basis
    middle = 0.5 * (flat.min(axis=0) + flat.max(axis=0))
    reach = 0.5 * float(np.ptp(flat, axis=0).max()) / (1 - 2 * _MARGIN)
    return Plane(position[top], origin, basis, middle, reach)


def _legs(
    found: ConfigurationMap, number: Mapping[int, int], position: Mapping[int, int]
) -> list[Leg]:
    """Return the lowest way between the two lowest classes of minima; empty where none is known."""
    lowest = [found.points.points[position[k]] for k in range(min(2, len(position)))]
    if len(lowest) < 2 or not all(point.is_minimum for point in lowest):
        return []  # classes are numbered by index, and then by loss
    tree = ClassTree(pd.DataFrame(trees.rows(0, trees.class_tree(found), number)))
    join = tree.connection(0, 1)
    if join is None:
        return []
    table = pd.DataFrame(transitions.rows(found, number))
    return lowest_way(table, 0, 1, join["loss"])


def _stations(found: ConfigurationMap, saddle: int, leg: Leg) -> np.ndarray:
    """Weights (m, n_parameters) of the stations of a leg, in the direction of the way."""
    ends = dict(zip(transitions.SIDES, transitions.by_side(found.paths[saddle]), strict=True))
    stations = ends[leg.side].stations.weights
    return stations if leg.down else stations[::-1]
