"""Decides what is trained next, what is tried again, and when a batch is complete.

A pure state machine: it never looks at a clock, a cluster or a disk. `runner.run` feeds it what
happened and does what it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from runner.plan import Batch


@dataclass(frozen=True)
class Piece:
    """A part of a batch, at first all of it, on its way to a worker."""

    batch: Batch
    """The planned batch."""
    start: int
    """First position in the group's restarts."""
    stop: int
    """One past the last position."""
    attempt: int = 0
    """How often exactly this range has failed before."""

    def key(self, run: str) -> str:
        """Return a name of its own for every run and attempt.

        Dask reuses the outcome of an old name, and calls off a new task with the name of one that
        an earlier run has called off.
        """
        return f"train-{run}-{self.batch.name}-{self.start}-{self.stop}-{self.attempt}"

    @property
    def range(self) -> Batch:
        """The piece as a batch."""
        return Batch(self.batch.group, self.start, self.stop)


@dataclass(frozen=True)
class Failure:
    """A restart that could not be trained."""

    position: int
    """Position in the group's restarts."""
    reason: str
    """The exception, in one line."""
    traceback: str
    """Where it was raised, as far as known."""


@dataclass(frozen=True)
class Complete:
    """A batch of which every restart is trained or has failed."""

    batch: Batch
    """The planned batch."""
    shards: tuple[bytes, ...]
    """Shards of its pieces, in order; empty if all failed."""
    failures: tuple[Failure, ...]
    """What could not be trained, in order."""


@dataclass
class _Open:
    """What is known of a batch under way."""

    missing: int
    shards: dict[int, bytes] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)


class Dispatcher:
    """Hands out pieces of batches and collects their outcomes.

    Parameters
    ----------
    batches : iterable of Batch
        What is left to do, taken lazily.
    attempts : int
        How often a range is tried whole before it is split in two to find the restart that fails.
    """

    def __init__(self, batches: Iterable[Batch], attempts: int = 2) -> None:
        self._batches: Iterator[Batch] = iter(batches)
        self._peeked: Batch | None = None
        self._again: deque[Piece] = deque()
        self._open: dict[Batch, _Open] = {}
        self._out: set[Piece] = set()
        self._attempts = attempts

    @property
    def in_flight(self) -> int:
        """Pieces handed out whose outcome is not known."""
        return len(self._out)

    def next(self) -> Piece | None:
        """Return the next piece to train, or None if there is none now."""
        if self._again:
            piece = self._again.popleft()
        else:
            batch = self._batch()
            if batch is None:
                return None
            self._open[batch] = _Open(missing=len(batch))
            piece = Piece(batch, batch.start, batch.stop)
        self._out.add(piece)
        return piece

    @property
    def waiting(self) -> bool:
        """Whether a piece waits to be handed out."""
        self._peeked = self._batch()
        return bool(self._again) or self._peeked is not None

    def bundle(self, most: Callable[[Batch], int]) -> list[Piece]:
        """Return the next pieces that one task trains together.

        They are whole batches of one group, one after the other; ``most`` tells from the first
        how many. A piece that is tried again comes alone, so that it cannot take its neighbours
        down a second time.
        """
        alone = bool(self._again)
        first = self.next()
        if first is None or alone:
            return [] if first is None else [first]
        pieces = [first]
        for _ in range(most(first.batch) - 1):
            self._peeked = self._batch()
            last = pieces[-1].batch
            if self._peeked is None or (last.group, last.stop) != (
                self._peeked.group,
                self._peeked.start,
            ):
                break
            following = self.next()
            if following is not None:
                pieces.append(following)
        return pieces

    def succeeded(self, piece: Piece, shard: bytes) -> Complete | None:
        """Take a piece's shard; return its batch if that completes it.

        An outcome of a piece that is not out (given up, or answered before) is ignored.
        """
        if piece not in self._out:
            return None
        self._out.remove(piece)
        work = self._open[piece.batch]
        work.shards[piece.start] = shard
        work.missing -= piece.stop - piece.start
        return self._completed(piece.batch)

    def failed(self, piece: Piece, reason: str, traceback: str) -> Complete | None:
        """Take a piece's failure: try again, split, or record it; return a batch it completes."""
        if piece not in self._out:
            return None
        self._out.remove(piece)
        size = piece.stop - piece.start
        if piece.attempt + 1 < self._attempts:
            self._again.append(Piece(piece.batch, piece.start, piece.stop, piece.attempt + 1))
        elif size > 1:
            middle = piece.start + size // 2
            self._again.append(Piece(piece.batch, piece.start, middle))
            self._again.append(Piece(piece.batch, middle, piece.stop))
        else:
            work = self._open[piece.batch]
            work.failures[piece.start] = Failure(piece.start, reason, traceback)
            work.missing -= 1
            return self._completed(piece.batch)
        return None

    def lost(self, piece: Piece) -> None:
        """Take back a piece that was never tried, so that it is handed out again."""
        if piece in self._out:
            self._out.remove(piece)
            self._again.append(piece)

    def _batch(self) -> Batch | None:
        batch, self._peeked = self._peeked or next(self._batches, None), None
        return batch

    def _completed(self, batch: Batch) -> Complete | None:
        work = self._open[batch]
        if work.missing:
            return None
        del self._open[batch]
        shards = tuple(work.shards[start] for start in sorted(work.shards))
        return Complete(batch, shards, tuple(work.failures[p] for p in sorted(work.failures)))
