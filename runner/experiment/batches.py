"""Ranges of restarts: of a group (a batch), and of one configuration (a segment)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.experiment.configuration import Configuration


@dataclass(frozen=True, order=True)
class Batch:
    """A contiguous range of a group's restarts: what one Dask task trains and one shard holds."""

    group: int
    """Position of the group in `Plan.groups`."""
    start: int
    """First position in the group's restarts, its configurations one after the other."""
    stop: int
    """One past the last position."""

    @property
    def name(self) -> str:
        """Names the batch in files, logs and messages."""
        return f"{self.group:04d}/{self.start:012d}-{self.stop:012d}"

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
