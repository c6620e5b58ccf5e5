"""Rounds of a plan: the restarts that were asked for together, cut into batches.

Round 0 is what a study was first asked for; each growth is one more. A round knows configurations
by their *number*: the order in which the study was first asked for them, which no growth changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.batches import Batch

MAX_ROUNDS = 999
"""Most rounds of one plan."""

_MAX_RESTARTS = 10**12  # of a configuration, as in the experiment file


@dataclass(frozen=True)
class Range:
    """The same restarts of configurations with consecutive numbers."""

    first: int
    """Number of the first configuration."""
    n: int
    """How many configurations."""
    start: int
    """First restart of each."""
    stop: int
    """One past the last restart of each."""

    @classmethod
    def parse(cls, content: object) -> Range:
        """Read a range from a list of four integers; ExperimentError if it is none."""
        if isinstance(content, list) and len(content) == 4:
            numbers = [each for each in content if type(each) is int and 0 <= each <= _MAX_RESTARTS]
            if len(numbers) == 4:
                return cls(*numbers)
        message = f"added is {shown(content)}; expected first, n, start and stop."
        raise ExperimentError(message)

    def canonical(self) -> list[int]:
        """Return what `parse` reads."""
        return [self.first, self.n, self.start, self.stop]


def ranges_between(before: np.ndarray, after: np.ndarray) -> tuple[Range, ...]:
    """Return what has to be added.

    Parameters
    ----------
    before, after : ndarray of int, (n,)
        Restarts of each configuration, by number.

    Returns
    -------
    tuple of Range
        As few as possible, sorted; configurations to which nothing is added are in none.
    """
    grows = np.flatnonzero(after > before)
    if not grows.size:
        return ()
    keys = np.stack([grows - np.arange(len(grows)), before[grows], after[grows]])
    cuts = np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1
    return tuple(
        Range(int(grows[a]), b - a, int(before[grows[a]]), int(after[grows[a]]))
        for a, b in pairwise([0, *cuts.tolist(), len(grows)])
    )


def counts_after(before: np.ndarray, added: Sequence[Range]) -> np.ndarray:
    """Return the restarts of each configuration, by number, once ranges are added.

    Raises
    ------
    ExperimentError
        If a range is empty, of configurations that there are not, or does not go on where what
        was there before ends.
    """
    after, free = before.copy(), 0
    for each in added:
        end = each.first + each.n
        follows = free <= each.first < end <= len(before) and each.start < each.stop
        if not (follows and (before[each.first : end] == each.start).all()):
            message = (
                f"added is {shown(each.canonical())}; expected restarts that follow what is there."
            )
            raise ExperimentError(message)
        after[each.first : end] = each.stop
        free = end
    return after


@dataclass(frozen=True, eq=False)
class RoundGroup:
    """The restarts of one round that one compiled function trains, one range after the other."""

    numbers: np.ndarray
    """(n,) int64: numbers of the configurations, in the order of the grid."""
    starts: np.ndarray
    """(n,) int64: first restart of each."""
    stops: np.ndarray
    """(n,) int64: one past its last restart."""
    batch_size: int
    """Restarts per batch."""

    @cached_property
    def ends(self) -> np.ndarray:
        """(n,) int64: one past the last position of each configuration in the group."""
        ends: np.ndarray = np.cumsum(self.stops - self.starts)
        return ends

    def __len__(self) -> int:
        return int(self.ends[-1])

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return -(-len(self) // self.batch_size)

    def positions(self, number: np.ndarray, restart: np.ndarray) -> np.ndarray:
        """Return the positions of restarts in the group.

        Parameters
        ----------
        number, restart : ndarray of int, (k,)

        Returns
        -------
        ndarray of int64, (k,)
            -1 for what is not in the group.
        """
        order = np.argsort(self.numbers)
        found = np.searchsorted(self.numbers, number, sorter=order)
        place = order[np.minimum(found, len(order) - 1)]
        inside = (self.numbers[place] == number) & (self.starts[place] <= restart)
        inside &= restart < self.stops[place]
        position: np.ndarray = self.ends[place] - self.stops[place] + restart
        return np.where(inside, position, -1)

    def ranges(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield number, first restart and one past the last of what lies between two positions."""
        place = int(np.searchsorted(self.ends, start, side="right"))
        while start < stop:
            end = int(self.ends[place])
            first = int(self.stops[place]) - (end - start)
            upto = min(stop, end)
            yield int(self.numbers[place]), first, first + upto - start
            start, place = upto, place + 1


@dataclass(frozen=True, eq=False)
class Round:
    """Restarts that were asked for together."""

    number: int
    """Position in `Plan.rounds`."""
    groups: tuple[RoundGroup, ...]
    """What one compiled function trains each."""

    @property
    def n_restarts(self) -> int:
        """Restarts of all groups."""
        return sum(map(len, self.groups))

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return sum(group.n_batches for group in self.groups)

    def batches(self) -> Iterator[Batch]:
        """Every batch, group by group."""
        for number, group in enumerate(self.groups):
            for start in range(0, len(group), group.batch_size):
                yield Batch(number, start, min(start + group.batch_size, len(group)), self.number)

    def holds(self, batch: Batch) -> bool:
        """Whether a batch is one of the round's."""
        if not 0 <= batch.group < len(self.groups):
            return False
        group = self.groups[batch.group]
        begins = 0 <= batch.start < len(group) and batch.start % group.batch_size == 0
        return begins and batch.stop == min(batch.start + group.batch_size, len(group))
