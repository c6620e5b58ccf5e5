"""What is known of one configuration's landscape while it is searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from runner.experiment.configuration import Configuration
from runner.mapping.critical_points import CriticalPoint, CriticalPoints
from runner.mapping.eigenvector_following import ARRIVED, UNFINISHED
from runner.mapping.options import MapOptions
from runner.mapping.path_stations import Stations
from runner.mapping.searches import PATH, RANDOM, Searches, SearchStream


@dataclass(frozen=True)
class PathEnd:
    """Where the path from one side of a saddle led."""

    status: str
    """``arrived``, ``left`` for infinity, or ``unfinished``."""
    point: int
    """Position of the critical point; -1 where none was reached."""
    loss: float
    """Loss there."""
    path_length: float
    """Euclidean length of the path."""
    weights: np.ndarray | None
    """(n_parameters,): the very image of the point that the path came to; None without one."""
    stations: Stations
    """Some of the points on the way, from the saddle to the end."""


@dataclass(frozen=True, eq=False)
class PlaneBasins:
    """Where the starts in a plane lead."""

    saddle: int
    """Position of the saddle that the plane goes through."""
    coordinates: np.ndarray
    """(2, n): of the starts, in the plane."""
    weights: np.ndarray
    """(n_parameters, n): the starts."""
    end: list[str]
    """(n,): kind of critical point that each leads to, ``infinity`` or ``unfinished``."""
    point: np.ndarray
    """(n,) int: its position; -1 where none was reached, or one that is not known."""
    loss: np.ndarray
    """(n,): where the way down ended."""


@dataclass(eq=False)
class ConfigurationMap:
    """The critical points of one configuration, what joins them, and how they were found."""

    configuration: Configuration
    """Which one."""
    stream: SearchStream
    """Where its searches start from."""
    options: MapOptions
    """How it is searched."""
    least: int = 0
    """Searches of an earlier map: as many are made again before it can be done."""
    searches: int = 0
    """Searches made."""
    statuses: Counter[str] = field(default_factory=Counter)
    """How many of them ended how."""
    discoveries: list[int] = field(default_factory=list)
    """For each point, the searches made when it was found first."""
    random_firsts: dict[int, int] = field(default_factory=dict)
    """Point -> how many random searches had been made when one first came to it."""
    n_random: int = 0
    """Searches that started from random points."""
    paths: dict[int, list[PathEnd]] = field(default_factory=dict)
    """Saddle -> the ends of its two paths."""
    basins: PlaneBasins | None = None
    """Around the lowest way between the two lowest minima, once they were looked at."""

    def __post_init__(self) -> None:
        self.points = CriticalPoints(self.configuration, self.options)

    @property
    def unchanged(self) -> int:
        """Searches since the last one that found something new."""
        return self.searches - max(self.discoveries, default=0)

    @property
    def is_done(self) -> bool:
        """Whether no more searches are to be made."""
        enough = self.unchanged >= self.options.unchanged
        return not self.is_behind and (enough or self.searches >= self.options.searches)

    @property
    def is_behind(self) -> bool:
        """Whether an earlier map has more searches."""
        return self.searches < self.least

    def next_searches(self) -> Searches:
        """Return the next search round's starts; the same whenever and wherever it is drawn."""
        known = self.points
        n = self.options.round_searches
        return self.stream.draw(self.searches, n, known.ends, known.highest_index)

    def absorb_searches(self, rows: pd.DataFrame, searches: Searches) -> None:
        """Take in what workers found in a search round, in order of their numbers."""
        before, positions = self.searches, {}
        # of a family, the row that has the point is that of highest index, not the first one
        first = rows.groupby("same_as")["number"].min()
        for row in records(rows[rows["number"] == rows["same_as"]]):
            positions[row["number"]] = self._added(row, int(first[row["number"]]) + 1)
        for number, same_as, status in zip(
            rows["number"], rows["same_as"], rows["status"], strict=True
        ):
            origin = searches.origin[number - before]
            self.statuses[status] += 1
            if same_as >= 0:
                self.points.count(positions[same_as], origin, number)
            if origin == RANDOM:
                self.n_random += 1
                if same_as >= 0:
                    self.random_firsts.setdefault(positions[same_as], self.n_random - 1)
        self.searches += len(searches)

    def skip_searches(self, searches: Searches) -> None:
        """Count a search round that could not be made as unfinished."""
        self.statuses[UNFINISHED] += len(searches)
        self.searches += len(searches)

    def waiting(self) -> Iterator[tuple[int, CriticalPoint]]:
        """Yield the saddles from which paths are still to be followed, with their positions."""
        for position, point in enumerate(self.points.points):
            wanted = point.index == 1 or point.is_family or point.found[PATH] > 0
            if point.index > 0 and wanted and position not in self.paths:
                yield position, point

    def absorb_paths(self, rows: pd.DataFrame) -> None:
        """Take in where the paths from saddles led."""
        for row in records(rows):
            point, weights = -1, None
            if row["status"] == ARRIVED:
                point = self._added(row, self.searches)
                self.points.count_path(point)
                weights = self.points.weights_of(row)
            end = PathEnd(
                row["status"], point, row["loss"], row["path_length"], weights, Stations.of(row)
            )
            self.paths.setdefault(row["number"], []).append(end)

    def _added(self, row: dict[str, Any], made: int) -> int:
        position = self.points.add(row, made)
        if position == len(self.discoveries):
            self.discoveries.append(made)
        return position


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame by column."""
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def classes(found: ConfigurationMap) -> Mapping[int, int]:
    """Number the critical points: by index, those of one index by loss."""
    points = found.points.points
    order = sorted(range(len(points)), key=lambda k: (points[k].index, points[k].loss, k))
    return {position: number for number, position in enumerate(order)}
