"""Search rounds, and paths from the saddles that they find, done on the cluster.

What a search round does of a configuration follows from what earlier ones have found of it. So
it is the same for any workers, and a map that was killed, or is to go on for longer, makes its
first search rounds again from what is stored of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.in_flight import Call
from runner.experiment.batches import Batch
from runner.experiment.content_hash import digest
from runner.landscape.checkpoints import Checkpoints
from runner.landscape.stage import Stage
from runner.mapping.basin_planes import plane_of, side_of
from runner.mapping.basins import basins_of
from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.options import MapOptions
from runner.mapping.worker import MapTask, descend_from_saddles, descend_from_starts, search

_LANES = 1000  # of a task at most: enough for vector code, few enough for all workers to have some
_BYTES = 2**26  # of Hessians of a task, at most
_OWN = 10**9  # batches are numbered from a configuration's position in its group times this


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one configuration that workers are sent: starts of searches, or saddles."""

    map: ConfigurationMap
    """Whose they are."""
    number: np.ndarray
    """(n,) int: of the searches, or positions of the saddles."""
    weights: np.ndarray
    """(n_parameters, n)."""
    wanted: np.ndarray
    """(n,) int: index that is searched for; of saddles without meaning."""


class SearchRounds:
    """The search rounds of all maps of a study.

    Parameters
    ----------
    groups : sequence of sequence of ConfigurationMap
        Of each group, which one compiled function serves, the maps of all its configurations.
    checkpoints : Checkpoints
        What is stored of finished work.
    run : callable
        Has a stage done on the cluster, as far as it is not stored.
    engine : str
    options : MapOptions
    """

    def __init__(
        self,
        groups: Sequence[Sequence[ConfigurationMap]],
        checkpoints: Checkpoints,
        run: Callable[[Stage], None],
        engine: str,
        options: MapOptions,
    ) -> None:
        self._groups = groups
        self._checkpoints = checkpoints
        self._run = run
        self._engine = engine
        self._options = options

    def make(self, goes_on: Callable[[], bool]) -> None:
        """Search until every map is done, or until ``goes_on`` says no between two of them.

        What an earlier map has is made in any case, of what is stored of it.
        """
        number = 0
        while (searching := [m for m in self._maps() if not m.is_done]) and (
            any(m.is_behind for m in searching) or goes_on()
        ):
            starts = {each: each.next_searches() for each in searching}
            sent = [
                Points(each, each.searches + np.arange(len(s)), s.weights, s.wanted)
                for each, s in starts.items()
            ]
            for each, rows in self._done(f"searches/{number:06d}", sent, search):
                each.absorb_searches(rows, starts.pop(each))
            for each, left in starts.items():  # those that no worker could make
                each.skip_searches(left)
            self._follow_paths(number)
            number += 1

    def _follow_paths(self, number: int) -> None:
        """Follow paths from saddles that have none, and from those at which paths end."""
        depth = 0
        while sent := [saddles for each in self._maps() if (saddles := _saddles(each))]:
            stage = f"paths/{number:06d}-{depth}"
            for each, rows in self._done(stage, sent, descend_from_saddles):
                each.absorb_paths(rows)
            for saddles in sent:  # those that no worker could follow too
                for position in saddles.number:
                    saddles.map.paths.setdefault(int(position), [])
            depth += 1

    def look_at_basins(self) -> None:
        """Follow descent from the starts of each map's plane, once its searching has ended.

        Nothing that is searched later depends on it: a map that goes on has another plane then.
        """
        planes, sent = {}, []
        for each in self._maps():
            side = side_of(each.configuration.architecture.n_parameters, self._options.basin_side)
            plane = plane_of(each) if side else None
            if plane is not None:
                planes[each] = plane, side
                number = np.arange(side**2)
                weights = plane.weights(plane.grid(side))
                sent.append(Points(each, number, weights, np.zeros_like(number)))
        made = digest([self._options.basin_side, *(each.searches for each in self._maps())])
        for each, rows in self._done(f"basins/{made[:16]}", sent, descend_from_starts):
            each.basins = basins_of(each, *planes[each], rows)

    def _maps(self) -> Iterator[ConfigurationMap]:
        return (each for group in self._groups for each in group)

    def _done(
        self, name: str, sent: Sequence[Points], function: Callable[[MapTask], bytes]
    ) -> Iterator[tuple[ConfigurationMap, pd.DataFrame]]:
        """Have points worked on; yield the rows of each configuration, in order."""
        by_batch = dict(self._batches(sent))

        def call(piece: Piece, device: str) -> Call:
            points = by_batch[piece.batch]
            start = piece.start % _OWN
            rows = slice(start, start + piece.stop - piece.start)
            return Call(function, (self._task(points, rows, device),))

        stage = Stage(name, tuple(by_batch), call)
        self._run(stage)
        found: dict[ConfigurationMap, list[pd.DataFrame]] = {}
        for batch, frame in self._checkpoints.read(name, stage.batches):
            found.setdefault(by_batch[batch].map, []).append(frame)
        for each, frames in found.items():
            yield each, pd.concat(frames, ignore_index=True)

    def _batches(self, sent: Sequence[Points]) -> Iterator[tuple[Batch, Points]]:
        """Cut points into batches, named by the configuration's place alone."""
        places = {
            each: (number, position)
            for number, group in enumerate(self._groups)
            for position, each in enumerate(group)
        }
        for points in sent:
            number, position = places[points.map]
            size = max(1, min(_LANES, _BYTES // (8 * len(points.weights) ** 2)))
            for start in range(0, len(points.number), size):
                stop = min(start + size, len(points.number))
                yield Batch(number, position * _OWN + start, position * _OWN + stop), points

    def _task(self, points: Points, rows: slice, device: str) -> MapTask:
        return MapTask(
            points.map.configuration,
            points.number[rows],
            np.ascontiguousarray(points.weights[:, rows]),
            points.wanted[rows],
            self._engine,
            self._options,
            device,
        )


def _saddles(each: ConfigurationMap) -> Points | None:
    """Return the saddles from which paths are to be followed; None where there are none."""
    waiting = list(each.waiting())
    if not waiting:
        return None
    number = np.array([position for position, _ in waiting])
    weights = np.stack([point.weights for _, point in waiting], axis=1)
    return Points(each, number, weights, np.zeros_like(number))
