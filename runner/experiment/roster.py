"""Which configurations a plan has, under which numbers, and how many restarts each of them has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from runner.errors import ExperimentError
from runner.experiment.configuration import Configuration
from runner.experiment.rounds import Range, counts_after


class Roster:
    """The configurations of a plan.

    Parameters
    ----------
    configurations : sequence of Configuration
        In the order of the grid.
    added : sequence of Range
        What the plan's last round adds.
    before : Roster, optional
        That of the plan which it has grown from.

    Notes
    -----
    Places in a grid move when values are added to it. So shards hold the *number* of a
    configuration: the order in which the study was first asked for it.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        added: Sequence[Range],
        before: Roster | None = None,
    ) -> None:
        self.by_place = configurations
        self.added = added
        self._before = before

    def is_part_of(self, other: Roster) -> bool:
        """Whether every configuration is also one of another roster."""
        return self._keys.keys() <= other._keys.keys()

    @cached_property
    def numbers(self) -> np.ndarray:
        """Number of each configuration, (n,) int64, in the order of the grid."""
        known = {} if self._before is None else dict(self._before._keys)
        return np.array([known.setdefault(key, len(known)) for key in self._keys_by_place()])

    @cached_property
    def by_number(self) -> dict[int, Configuration]:
        """The configurations by number."""
        return dict(zip(self.numbers.tolist(), self.by_place, strict=True))

    @cached_property
    def places(self) -> np.ndarray:
        """Position in the grid, (n,) int64, by number."""
        return np.argsort(self.numbers)

    @cached_property
    def counts_before(self) -> np.ndarray:
        """Restarts of each configuration before the last round, (n,) int64, by number."""
        counts = np.zeros(len(self.numbers), np.int64)
        if self._before is not None:
            if not self._before.is_part_of(self):
                message = "a configuration is gone; expected all that there were, or more."
                raise ExperimentError(message)
            counts[: len(self._before.counts)] = self._before.counts
        return counts

    @cached_property
    def counts(self) -> np.ndarray:
        """Restarts of each configuration, (n,) int64, by number."""
        return counts_after(self.counts_before, self.added)

    @cached_property
    def _keys(self) -> dict[tuple[str, int], int]:
        """Number of each configuration by what tells it from all others."""
        return dict(zip(self._keys_by_place(), self.numbers.tolist(), strict=True))

    def _keys_by_place(self) -> list[tuple[str, int]]:
        """Content of each configuration, and how many have had the same before it in the grid."""
        seen: Counter[str] = Counter()
        keys = []
        for configuration in self.by_place:
            keys.append((configuration.id, seen[configuration.id]))
            seen[configuration.id] += 1
        return keys
