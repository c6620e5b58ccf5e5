"""Decides what is trained next, what is tried again, and when a batch is complete.

A pure state machine: it never looks at a clock, a cluster or a disk. `runner.dispatch.tasks.loop`
feeds it what happened and does what it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.experiment.batches import Batch
from runner.study.commits import Failure


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
    """How often this range has failed before; a half starts where its whole has left off."""
    avoid: frozenset[str] = frozenset()
    """Workers on which this range has failed: it goes to another one if there is one."""
    alone: bool = False
    """Whether it needs a worker for itself: a worker died with it, and perhaps of it."""

    def key(self, run: str) -> str:
        """Return a name of its own for every run and attempt.

        Dask reuses the outcome of an old name, and calls off a new task with the name of one that
        an earlier run has called off.
        """
        alone = "-alone" if self.alone else ""
        return f"train-{run}-{self.batch.name}-{self.start}-{self.stop}-{self.attempt}{alone}"

    @property
    def range(self) -> Batch:
        """The piece as a batch."""
        return self.batch.part(self.start, self.stop)


@dataclass(frozen=True)
class Complete:
    """A batch of which every restart is trained or has failed."""

    batch: Batch
    """The planned batch."""
    shards: tuple[Any, ...]
    """Shards of its pieces as `Dispatcher.succeeded` was given them, in order; empty if all
    failed."""
    failures: tuple[Failure, ...]
    """What could not be trained, in order."""


@dataclass
class _Open:
    """What is known of a batch under way."""

    missing: int
    shards: dict[int, Any] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)


class Dispatcher:
    """Hands out pieces of batches and collects their outcomes.

    Parameters
    ----------
    batches : sequence of Batch
        What is left to do, looked at one after the other.
    attempts : int
        How often a batch is tried whole before it is split in two to find the restart that fails,
        and how often a single restart has to fail before it is recorded. What lies between is
        split again the first time it fails.

    Notes
    -----
    A restart of a batch is at every moment in exactly one of these states; a piece is a range of
    restarts that move together::

        not begun --next, bundle--> out --succeeded--> in a shard
                                    +--failed for good--> a failure
                                    |
        again     <--failed, lost---+        `next` hands it out before anything that is not begun
        suspects  <--killed---------+        only `next_alone` hands it out

    What is out is told from what is not by ``_out`` alone. An outcome of a piece that is not out
    is ignored: its task was given up or lost, the piece was handed out again, and the first result
    came all the same.

    What waits is counted from these collections when it is asked for (`remaining`). A count that
    was kept beside them once drifted with every retry and half, down to where GPUs got one batch
    at a time for good.
    """

    def __init__(self, batches: Sequence[Batch], attempts: int = 2) -> None:
        self._batches = batches
        self._begun = 0  # of how many of them the turn has come
        self._hastened: deque[Batch] = deque()  # handed out before all of these
        self._early: set[Batch] = set()  # hastened, and their turn has not come
        self._again: deque[Piece] = deque()
        self._suspects: deque[Piece] = deque()
        self.n_failed = 0
        self.last_failure: Failure | None = None
        self._open: dict[Batch, _Open] = {}
        self._out: set[Piece] = set()
        self._attempts = attempts

    @property
    def in_flight(self) -> int:
        """Pieces handed out whose outcome is not known."""
        return len(self._out)

    @property
    def upcoming(self) -> Batch | None:
        """The next batch that is not begun, or None."""
        if self._hastened:
            return self._hastened[0]
        return self._batches[self._begun] if self._begun < len(self._batches) else None

    def hasten(self, batch: Batch) -> None:
        """Hand a batch that is not complete out before the others, if it is not begun."""
        if batch not in self._open and batch not in self._hastened:
            self._early.add(batch)
            self._hastened.append(batch)
            self._skip_early()

    def _skip_early(self) -> None:
        """Pass over what was handed out, or will be, before its turn."""
        while self._early and self._begun < len(self._batches):
            batch = self._batches[self._begun]
            if batch not in self._early:
                break
            self._early.remove(batch)
            self._begun += 1

    @property
    def remaining(self) -> int:
        """Pieces that wait to be handed out: batches not begun, and what is tried again."""
        in_order = len(self._batches) - self._begun - len(self._early)
        return in_order + len(self._hastened) + len(self._again) + len(self._suspects)

    @property
    def suspect(self) -> Piece | None:
        """The next piece that needs a worker for itself, or None if none waits."""
        return self._suspects[0] if self._suspects else None

    def next_alone(self) -> Piece | None:
        """Return the next piece that needs a worker for itself, or None if there is none now."""
        if not self._suspects:
            return None
        piece = self._suspects.popleft()
        self._out.add(piece)
        return piece

    def next(self) -> Piece | None:
        """Return the next piece that may share a worker, or None if there is none now."""
        if self._again:
            piece = self._again.popleft()
        else:
            batch = self.upcoming
            if batch is None:
                return None
            if self._hastened:
                self._hastened.popleft()
            else:
                self._begun += 1
                self._skip_early()
            self._open[batch] = _Open(missing=len(batch))
            piece = Piece(batch, batch.start, batch.stop)
        self._out.add(piece)
        return piece

    @property
    def waiting(self) -> bool:
        """Whether a piece waits to be handed out."""
        return self.remaining > 0

    def bundle(self, most: Callable[[Batch], int]) -> list[Piece]:
        """Return the next pieces that one task trains together.

        They are whole batches of one group, one after the other; ``most`` tells from the first
        how many. A piece that is tried again comes alone, so that it cannot take its neighbours
        down a second time.
        """
        upcoming = self.upcoming
        n_batches = 1 if self._again or upcoming is None else most(upcoming)
        first = self.next()
        if first is None:
            return []
        pieces = [first]
        for _ in range(n_batches - 1):
            last, upcoming = pieces[-1].batch, self.upcoming
            if upcoming is None or (last.group_of_round, last.stop) != (
                upcoming.group_of_round,
                upcoming.start,
            ):
                break
            following = self.next()
            if following is not None:
                pieces.append(following)
        return pieces

    def succeeded(self, piece: Piece, shard: Any) -> Complete | None:
        """Take a piece's shard, or what stands for it; return its batch if that completes it.

        An outcome of a piece that is not out (given up, or answered before) is ignored.
        """
        if piece not in self._out:
            return None
        self._out.remove(piece)
        work = self._open[piece.batch]
        work.shards[piece.start] = shard
        work.missing -= piece.stop - piece.start
        return self._completed(piece.batch)

    def failed(
        self, piece: Piece, reason: str, traceback: str = "", worker: str = ""
    ) -> Complete | None:
        """Take a piece's failure: try again, split, or record it; return a batch it completes.

        Parameters
        ----------
        piece : Piece
        reason, traceback : str
            The exception, in one line and in full.
        worker : str
            Where it failed, if that is known and may happen to it there again.
        """
        if piece not in self._out:
            return None
        self._out.remove(piece)
        size = piece.stop - piece.start
        if piece.attempt + 1 < self._attempts:
            avoid = piece.avoid | {worker} if worker else piece.avoid
            self._put_back(replace(piece, attempt=piece.attempt + 1, avoid=avoid))
        elif size > 1:
            middle = piece.start + size // 2
            for start, stop in ((piece.start, middle), (middle, piece.stop)):
                half = replace(piece, start=start, stop=stop, avoid=frozenset())
                self._put_back(replace(half, attempt=self._first_attempt(half)))
        else:
            work = self._open[piece.batch]
            self.last_failure = Failure(piece.start, reason, traceback)
            work.failures[piece.start] = self.last_failure
            work.missing -= 1
            self.n_failed += 1
            return self._completed(piece.batch)
        return None

    def killed(self, piece: Piece, reason: str) -> Complete | None:
        """Take the death of a piece's worker; return a batch that it completes.

        Dask charges a death to everything that the worker held. So a piece that may have shared
        its worker is not blamed, but tried again alone; a piece that was alone has failed.
        """
        if piece.alone:
            return self.failed(piece, reason)
        if piece in self._out:
            self._out.remove(piece)
            alone = replace(piece, alone=True)
            self._put_back(replace(alone, attempt=self._first_attempt(alone)))
        return None

    def lost(self, piece: Piece) -> None:
        """Take back a piece that was never tried, so that it is handed out again."""
        if piece in self._out:
            self._out.remove(piece)
            self._put_back(piece)

    def _put_back(self, piece: Piece) -> None:
        (self._suspects if piece.alone else self._again).append(piece)

    def _first_attempt(self, piece: Piece) -> int:
        """Where to count from: only a single restart is tried several times."""
        return 0 if piece.stop - piece.start == 1 else self._attempts - 1

    def _completed(self, batch: Batch) -> Complete | None:
        work = self._open[batch]
        if work.missing:
            return None
        del self._open[batch]
        shards = tuple(work.shards[start] for start in sorted(work.shards))
        return Complete(batch, shards, tuple(work.failures[p] for p in sorted(work.failures)))
