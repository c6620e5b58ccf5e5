"""How the restarts of each configuration ended, counted shard by shard in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

COLUMNS = ("configuration", "restart", "label", "solved", "steps", "loss")
"""Columns of the shards that are read."""

_BLOCK_ROWS = 2**17  # that are counted at once, or as many as one part of a shard has
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
    ends = _Sums(["configuration", "steps", "solved", "odd"])
    labels = _Sums(["configuration", "label"])
    for table in _in_blocks(tables):
        odd = pc.bit_wise_and(table["restart"], 1)
        one = pa.array(np.ones(len(table), np.int64))
        table = table.append_column("odd", odd).append_column("n", one)
        least = table.append_column("least", table["loss"]).append_column("most", table["loss"])
        ends.add(table)
        labels.add(least)
    return _by_configuration(ends.table(), labels.table())


def _in_blocks(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join consecutive tables: to count one takes as long as to count a few thousand rows more."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _BLOCK_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


class _Sums:
    """Rows with equal keys, added up: ``n`` as a sum, ``least`` and ``most`` as extremes."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.parts: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        self.parts.append(self._summed(table))
        if sum(map(len, self.parts)) > _MOST_ROWS:
            self.parts = [self.table()]

    def table(self) -> pa.Table:
        if not self.parts:
            return pa.table({name: [] for name in [*self.keys, "n", "least", "most"]})
        return self._summed(pa.concat_tables(self.parts))

    def _summed(self, table: pa.Table) -> pa.Table:
        wanted = {"n": "sum", "least": "min", "most": "max"}
        aggregates = [item for item in wanted.items() if item[0] in table.column_names]
        summed = table.group_by(self.keys).aggregate(aggregates)
        return summed.rename_columns({f"{name}_{what}": name for name, what in aggregates})


def _by_configuration(ends: pa.Table, labels: pa.Table) -> dict[int, Tally]:
    named: dict[int, dict[str, tuple[int, float, float]]] = {}
    columns = [labels[name].to_pylist() for name in ("configuration", "label", "n")]
    least, most = (labels[name].to_numpy().astype(float).tolist() for name in ("least", "most"))
    for owner, label, n, low, high in zip(*columns, least, most, strict=True):
        named.setdefault(owner, {})[label] = (n, low, high)
    owners, steps, counts = _counts(ends)
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    found = {}
    for first, last in zip(firsts, np.append(firsts, len(owners))[1:], strict=True):
        rows = slice(first, last)
        owner = int(owners[first])
        found[owner] = Tally(steps[rows], counts[rows, 1], counts[rows, 0], named[owner])
    return found


def _counts(ends: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different pairs of configuration and steps, in order, and counts of each.

    The counts are (k, 2, 2) int64: not solved and solved, of even and of odd number.
    """
    owner, steps, n, odd = (
        ends[name].to_numpy().astype(np.int64) for name in ("configuration", "steps", "n", "odd")
    )
    solved = ends["solved"].to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.lexsort((steps, owner))
    owner, steps = owner[order], steps[order]
    new = np.ones(len(order), bool)
    new[1:] = (owner[1:] != owner[:-1]) | (steps[1:] != steps[:-1])
    counts = np.zeros((int(new.sum()), 2, 2), np.int64)
    np.add.at(counts, (np.cumsum(new) - 1, solved[order], odd[order]), n[order])
    return owner[new], steps[new], counts


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
