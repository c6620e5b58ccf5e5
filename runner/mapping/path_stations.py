"""Stations of paths: some of the points that each of them comes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Stations:
    """Some points of one path, from its saddle to its end."""

    distance: np.ndarray
    """(m,): length of the path up to each, from 0."""
    loss: np.ndarray
    """(m,): there."""
    weights: np.ndarray
    """(m, n_parameters)."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Stations:
        """Of a worker's row of a path."""
        distance = np.array(row["distances"], float)
        weights = np.array(row["stations"], float).reshape(len(distance), -1)
        return cls(distance, np.array(row["losses"], float), weights)


class StationRecorder:
    """Keeps a bounded number of the points that n paths come by, while they are followed.

    Every point is kept until a path has too many; then every other one of them goes, and from
    there only every second point is taken, and so on.

    Parameters
    ----------
    n_parameters, n : int
    most : int
        Points of each path, at least 2.
    """

    def __init__(self, n_parameters: int, n: int, most: int) -> None:
        self._weights = np.zeros((most, n_parameters, n))
        self._distance = np.zeros((most, n))
        self._count = np.zeros(n, int)
        self._passed = np.zeros(n, int)
        self._every = np.ones(n, int)

    def add(self, paths: np.ndarray, weights: np.ndarray, distance: np.ndarray) -> None:
        """Take in where some of the paths (m,) are: weights (n_parameters, m), distance (m,)."""
        self._passed[paths] += 1
        due = self._passed[paths] % self._every[paths] == 0
        which, place = paths[due], self._count[paths[due]]
        self._weights[place, :, which] = weights[:, due].T
        self._distance[place, which] = distance[due]
        self._count[which] += 1
        most = len(self._distance)
        full = which[self._count[which] == most]
        # every second one stays: those that would have been kept, had so few been from the start
        self._weights[: most // 2, :, full] = self._weights[1::2, :, full]
        self._distance[: most // 2, full] = self._distance[1::2, full]
        self._count[full] = most // 2
        self._every[full] *= 2

    def kept(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what is kept of all paths, path by path.

        Returns
        -------
        path : ndarray of int, shape (m,)
        distance : ndarray, shape (m,)
        weights : ndarray, shape (n_parameters, m)
        """
        path, place = np.nonzero(np.arange(len(self._distance)) < self._count[:, None])
        return path, self._distance[place, path], self._weights[place, :, path].T
