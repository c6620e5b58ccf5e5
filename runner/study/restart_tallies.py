"""How the restarts of each configuration ended, counted shard by shard in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from runner.training.arrow_arrays import numbers, of_objects
from runner.training.labels import LABELS

COLUMNS = ("configuration", "restart", "label", "solved", "steps", "loss")
"""Columns of the shards that are read."""

_Part: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

_BLOCK_ROWS = 2**17  # that are counted at once, or as many as one part of a shard has
_MOST_STEPS = 2**31  # a shard's steps are int32
_MOST_ROWS = 2**20  # of partial counts that are kept before they are added up


@dataclass(frozen=True, eq=False)
class Tally:
    """How the restarts of one configuration ended; the k different numbers of steps, rising."""

    steps: np.ndarray
    """(k,) int64: updates made."""
    solved: np.ndarray
    """(k, 2) int64: restarts that ended solved there, those of even and those of odd number."""
    others: np.ndarray
    """(k, 2) int64: the same of restarts that ended otherwise."""
    labels: Mapping[str, tuple[int, float, float]]
    """Label to number of restarts, smallest and largest loss."""

    @property
    def n(self) -> int:
        """Restarts."""
        return int(self.ended.sum())

    @property
    def n_solved(self) -> int:
        """Solved restarts."""
        return int(self.solved.sum())

    @property
    def ended(self) -> np.ndarray:
        """(k,) int64: restarts that ended there, solved or not."""
        total: np.ndarray = (self.solved + self.others).sum(axis=1)
        return total

    def quantile(self, share: float) -> float:
        """Return a quantile of the steps, between two of them by linear interpolation."""
        return _quantile(self.steps, self.ended, share)

    def solved_quantile(self, share: float) -> float:
        """Return a quantile of the steps of the solved restarts; at least one must be."""
        return _quantile(self.steps, self.solved.sum(axis=1), share)


Tallies: TypeAlias = Mapping[int, Tally]
"""Tallies by configuration; those that have no restart are left out."""


def tallies(tables: Iterable[pa.Table]) -> dict[int, Tally]:
    """Count restarts.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        With the columns `COLUMNS`, in any order of rows.

    Returns
    -------
    dict of int to Tally
        By configuration; without those that have no restart.

    Notes
    -----
    Memory grows with the number of different steps, at most a configuration's ``max_steps``, and
    not with the number of restarts.
    """
    counter = Counter()
    for table in in_blocks(tables):
        counter.add(table)
    return counter.tallies()


def in_blocks(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join consecutive tables: to count one takes as long as to count a few thousand rows more."""
    waiting: list[pa.Table] = []
    for table in tables:
        if waiting and table.column_names != waiting[0].column_names:  # of another network
            yield pa.concat_tables(waiting)
            waiting = []
        waiting.append(table)
        if sum(map(len, waiting)) >= _BLOCK_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


class Counter:
    """Counts restarts, block by block."""

    def __init__(self) -> None:
        self._ends = (
            _Sums()
        )  # by configuration, steps, whether solved, and whether the number is odd
        self._labels = [_Sums() for _ in LABELS]  # by configuration

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table with the columns `COLUMNS`."""
        names = ("configuration", "restart", "steps", "solved")
        owner, restart, steps, solved = (numbers(table[n]).astype(np.int64) for n in names)
        pair = (owner << 32) + (steps + _MOST_STEPS)
        self._ends.add((pair << 2) + (solved << 1) + (restart & 1))
        label = numbers(pc.index_in(table["label"], of_objects(LABELS, pa.string())))
        loss = numbers(table["loss"])
        for place in np.flatnonzero(np.bincount(label, minlength=len(LABELS))):
            rows = np.flatnonzero(label == place)
            self._labels[place].add(owner[rows], loss[rows])

    def tallies(self) -> dict[int, Tally]:
        """Return what has been counted, by configuration."""
        named: dict[int, dict[str, tuple[int, float, float]]] = {}
        for label, sums in zip(LABELS, self._labels, strict=True):
            for owner, n, *ends in zip(*(part.tolist() for part in sums.whole()), strict=True):
                named.setdefault(owner, {})[label] = (n, *ends)
        key, n, *_ = self._ends.whole()
        pair = key >> 2
        new = np.diff(pair, prepend=-1) != 0
        counts = np.zeros((int(new.sum()), 2, 2), np.int64)  # not solved and solved, even and odd
        counts[np.cumsum(new) - 1, (key >> 1) & 1, key & 1] = n
        owners, steps = pair[new] >> 32, (pair[new] & (2**32 - 1)) - _MOST_STEPS
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        found = {}
        for first, last in zip(firsts, np.append(firsts, len(owners))[1:], strict=True):
            rows, owner = slice(first, last), int(owners[first])
            found[owner] = Tally(steps[rows], counts[rows, 1], counts[rows, 0], named[owner])
        return found


class _Sums:
    """Rows with equal keys: how many, and the least and most of their values, NaN left out."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def add(self, key: np.ndarray, value: np.ndarray | None = None) -> None:
        """Add rows (k,) int64, with values or without."""
        if not len(key):
            return
        if (np.diff(key) < 0).any():
            if value is None:
                key = np.sort(key)
            else:
                order = np.argsort(key)
                key, value = key[order], value[order]
        nothing = np.zeros(0) if value is None else value
        self._parts.append(_joined(key, np.ones(len(key), np.int64), nothing, nothing))
        if sum(len(part[0]) for part in self._parts) > _MOST_ROWS:
            self._parts = [self.whole()]

    def whole(self) -> _Part:
        """Return the different keys, rising; and of each the count, the least and the most."""
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
        if len(self._parts) > 1:
            key, n, *ends = (np.concatenate(each) for each in zip(*self._parts, strict=True))
            order = np.argsort(key)
            least, most = (end[order] if len(end) else end for end in ends)
            self._parts = [_joined(key[order], n[order], least, most)]
        return self._parts[0]


def _joined(key: np.ndarray, n: np.ndarray, least: np.ndarray, most: np.ndarray) -> _Part:
    """Join rows of equal keys, which follow one another; the last two may be empty."""
    firsts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    if len(least):
        least, most = np.fmin.reduceat(least, firsts), np.fmax.reduceat(most, firsts)
    return key[firsts], np.add.reduceat(n, firsts), least, most


def step_quantiles(tallies: Tallies, shares: Sequence[float]) -> dict[int, tuple[float, ...]]:
    """Return `Tally.quantile` of several shares, of every configuration."""
    if not tallies:
        return {}
    steps = np.concatenate([tally.steps for tally in tallies.values()])
    ended = np.concatenate([tally.ended for tally in tallies.values()])
    sizes = np.array([len(tally.steps) for tally in tallies.values()])
    stops = np.cumsum(sizes)
    seen = np.concatenate([[0], np.cumsum(ended)])  # restarts before each step, of all together
    before, n = seen[stops - sizes], seen[stops] - seen[stops - sizes]
    columns = []
    for share in shares:
        place = (n - 1) * share  # from 0, in each configuration
        low, high = (
            steps[np.searchsorted(seen, before + f(place), side="right") - 1]
            for f in (np.floor, np.ceil)
        )
        columns.append(low + (high - low) * (place - np.floor(place)))
    return dict(
        zip(tallies, zip(*(column.tolist() for column in columns), strict=True), strict=True)
    )


def _quantile(values: np.ndarray, counts: np.ndarray, share: float) -> float:
    last = np.cumsum(counts) - 1  # place, from 0, of the last one of each value
    place = last[-1] * share
    low, high = (values[np.searchsorted(last, f(place))] for f in (np.floor, np.ceil))
    return float(low + (high - low) * (place - np.floor(place)))
