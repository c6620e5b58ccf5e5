"""What a batch of a plan holds: its group, its configurations and their restarts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from runner.experiment.batches import Batch, Segment
from runner.experiment.configuration import Configuration
from runner.experiment.roster import Roster
from runner.experiment.rounds import Round, RoundGroup


@dataclass(frozen=True)
class Group:
    """Configurations that share one compiled function."""

    configurations: tuple[Configuration, ...]
    """In the order of the grid."""


class PlanBatches(ABC):
    """What `runner.experiment.plan.Plan` tells of its batches."""

    @property
    @abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """Configurations by signature, in the order of their first members."""

    @property
    @abstractmethod
    def roster(self) -> Roster:
        """The configurations by number, and how many restarts each has."""

    @property
    @abstractmethod
    def rounds(self) -> tuple[Round, ...]:
        """What was asked for together, in the order in which it was."""

    @cached_property
    def n_restarts(self) -> int:
        """Restarts of all configurations."""
        return sum(each.n_restarts for each in self.rounds)

    @cached_property
    def n_batches(self) -> int:
        """Number of batches."""
        return sum(each.n_batches for each in self.rounds)

    def batches(self) -> Iterator[Batch]:
        """Every batch, round by round and group by group."""
        for each in self.rounds:
            yield from each.batches()

    def holds(self, batch: Batch) -> bool:
        """Whether a batch is one of the plan's."""
        known = 0 <= batch.round < len(self.rounds)
        return known and self.rounds[batch.round].holds(batch)

    def round_group(self, batch: Batch) -> RoundGroup:
        """Return the group of its round that a batch is of."""
        return self.rounds[batch.round].groups[batch.group]

    def members(self, batch: Batch) -> tuple[Configuration, ...]:
        """Return the configurations that a batch's group has in its round."""
        numbers = self.round_group(batch).numbers.tolist()
        return tuple(self.roster.by_number[number] for number in numbers)

    def first_member(self, batch: Batch) -> Configuration:
        """Return the first of `members`, which has the signature of all."""
        return self.roster.by_number[int(self.round_group(batch).numbers[0])]

    def group_number(self, batch: Batch) -> int:
        """Return the position in `groups` of what a batch's configurations are of."""
        return self._group_of[self.first_member(batch).index]

    @cached_property
    def _group_of(self) -> dict[int, int]:
        return {c.index: g for g, group in enumerate(self.groups) for c in group.configurations}

    def segments(self, batch: Batch) -> tuple[Segment, ...]:
        """Return the ranges of restarts, configuration by configuration, of a batch."""
        ranges = self.round_group(batch).ranges(batch.start, batch.stop)
        return tuple(
            Segment(self.roster.by_number[n].part(start, stop), start, stop)
            for n, start, stop in ranges
        )

    def stored_segments(self, batch: Batch) -> tuple[Segment, ...]:
        """Return the same with the number of each configuration as its index: what shards hold."""
        ranges = self.round_group(batch).ranges(batch.start, batch.stop)
        return tuple(Segment(self._numbered(number), start, stop) for number, start, stop in ranges)

    def _numbered(self, number: int) -> Configuration:
        configuration = self.roster.by_number[number]
        same = configuration.index == number
        return configuration if same else replace(configuration, index=number)
