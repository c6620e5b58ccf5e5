"""Ranges of restarts: of a group (a batch), and of one configuration (a segment)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.experiment.configuration import Configuration


@dataclass(frozen=True, order=True)
class Batch:
    """A contiguous range of a group's restarts: what one Dask task trains and one shard holds."""

    group: int
    """Position of the group in its round."""
    start: int
    """First position in the group's restarts, its configurations one after the other."""
    stop: int
    """One past the last position."""
    round: int = 0
    """Position of the round in `Plan.rounds`."""

    @property
    def name(self) -> str:
        """Names the batch in files, logs and messages."""
        place = f"{self.group:04d}/{self.start:012d}-{self.stop:012d}"
        return f"r{self.round:03d}-{place}" if self.round else place

    @property
    def group_of_round(self) -> tuple[int, int]:
        """Round and group: what all batches of one compiled function in one round have alike."""
        return self.round, self.group

    def part(self, start: int, stop: int) -> Batch:
        """Return another range of the same group."""
        return Batch(self.group, start, stop, self.round)

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Segment:
    """The part of a batch that belongs to one configuration."""

    configuration: Configuration
    """Configuration that the restarts belong to."""
    start: int
    """First restart."""
    stop: int
    """One past the last restart."""
