"""Keep a cluster's workers fed from a dispatcher, a few tasks in flight for each."""

from __future__ import annotations

import queue
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from runner.dispatcher import Dispatcher, Piece
from runner.errors import ClusterError
from runner.plan import Batch
from runner.slots import Slots

PER_SLOT = {"cpu": 3, "gpu": 2}
"""Tasks in flight per worker: one at work, the next already there."""

_REFRESH_S = 0.5  # how often workers are counted and progress is told when nothing comes back
_MOST_REFUSALS = 100  # tasks in a row that workers may refuse before the run gives up


@dataclass(frozen=True, eq=False)
class Sent:
    """A task on its way."""

    kind: str
    """The kind of device that it is for."""
    pieces: tuple[Piece, ...]
    """What it does: one piece, or several whole batches that together fill a GPU."""


class Window:
    """The tasks of one run that are on their way; subclasses say what they are.

    Parameters
    ----------
    slots : Slots
        Workers, checked.
    dispatcher : Dispatcher
        What there is to do.
    n_batches : int
        How many batches the dispatcher has.
    """

    def __init__(self, slots: Slots, dispatcher: Dispatcher, n_batches: int) -> None:
        self.name = uuid.uuid4().hex[:8]
        self.slots = slots
        self.client = slots.client
        self.dispatcher = dispatcher
        self.unsent = n_batches
        self.answers: queue.SimpleQueue[tuple[Sent, Any]] = queue.SimpleQueue()
        self.futures: dict[Sent, Any] = {}
        self.tasks = 0
        self.refusals = 0

    def most(self, kind: str, batch: Batch) -> int:
        """Return how many batches one task for a kind of device may hold, ``batch`` the first."""
        return 1

    def call(self, sent: Sent) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the function that a worker runs, and its arguments."""
        raise NotImplementedError

    def take(self, sent: Sent, result: Any) -> None:
        """Take what the function returned."""
        raise NotImplementedError

    def fail(self, sent: Sent, reason: str, trace: str) -> None:
        """Take the exception that the function raised."""
        raise NotImplementedError

    def tell(self) -> None:
        """Tell how far the run is; called after every answer and at least once a second."""

    def finish(self) -> None:
        """Have everything done that the dispatcher has."""
        try:
            self._fill()
            while self.futures or self.dispatcher.waiting:
                self._take_answers()
                self._fill()
                self.tell()
        finally:
            # on an error or Ctrl-C: what is committed stays, the rest is called off
            for future in self.futures.values():
                with suppress(OSError):
                    future.cancel()

    def _fill(self) -> None:
        """Hand out pieces until every worker of every kind has enough."""
        self.slots.refresh()
        for kind, count in self.slots.counts.items():
            if self.slots.has_left(kind):
                self._call_back(kind)
            out = sum(sent.kind == kind for sent in self.futures)
            for _ in range(count * PER_SLOT[kind] - out):
                pieces = self.dispatcher.bundle(partial(self.most, kind))
                if not pieces:
                    return
                self._send(Sent(kind, tuple(pieces)))

    def _send(self, sent: Sent) -> None:
        function, arguments = self.call(sent)
        self.tasks += 1
        self.unsent -= len(sent.pieces)
        try:
            future = self.client.submit(
                function,
                *arguments,
                # a piece that was called back is sent again: Dask would reuse an old key's outcome
                key=f"{sent.pieces[0].key(self.name)}-{self.tasks}",
                resources=self.slots.resources(sent.kind),
                pure=False,
            )
        except OSError:
            self._lost(sent)  # with the connection; `Slots.refresh` says when that is for good
            return
        self.futures[sent] = future
        future.add_done_callback(lambda done: self.answers.put((sent, done)))

    def _call_back(self, kind: str) -> None:
        """Take back the tasks for a kind of device that has left, for the other kind."""
        for sent in [sent for sent in self.futures if sent.kind == kind]:
            self.futures.pop(sent).cancel()
            self._lost(sent)

    def _lost(self, sent: Sent) -> None:
        for piece in sent.pieces:
            self.dispatcher.lost(piece)
        self.unsent += len(sent.pieces)

    def _take_answers(self) -> None:
        """Wait for an answer, then take all that are there."""
        for sent, future in self._arrived():
            if self.futures.pop(sent, None) is None:
                continue
            if future.status == "error":
                self._failed(sent, future.exception())
            else:
                try:
                    result = future.result()
                except (OSError, CancelledError):
                    self._lost(sent)  # with the scheduler; it may come back
                else:
                    self.refusals = 0
                    self.take(sent, result)
            future.release()

    def _failed(self, sent: Sent, error: BaseException | None) -> None:
        if isinstance(error, ClusterError | ImportError) and self.refusals < _MOST_REFUSALS:
            # Not the pieces' fault: a worker that is not fit for them, about to be sent away.
            self.refusals += 1
            self._lost(sent)
            return
        if isinstance(error, ClusterError):
            raise error
        reason = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error)) if error else ""
        self.fail(sent, reason, trace)

    def _arrived(self) -> Iterator[tuple[Sent, Any]]:
        try:
            yield self.answers.get(timeout=_REFRESH_S)
            while True:
                yield self.answers.get_nowait()
        except queue.Empty:
            return
