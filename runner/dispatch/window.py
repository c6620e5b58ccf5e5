"""Keep a cluster's workers fed from a dispatcher, a few tasks in flight for each."""

from __future__ import annotations

import logging
import queue
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from runner.cluster.answers import Answer, answer
from runner.cluster.client import connection_errors, is_death
from runner.cluster.slots import Slots
from runner.dispatch.cell import Cell
from runner.dispatch.dispatcher import Complete, Dispatcher, Piece
from runner.dispatch.errands import Errand
from runner.dispatch.standing import MOST_REFUTED, Standing
from runner.dispatch.watch import Watch
from runner.errors import ClusterError
from runner.experiment.plan import Batch

PER_SLOT = {"cpu": 3, "gpu": 2}
"""Tasks in flight per worker: one at work, the next already there."""

_REFRESH_S = 0.5  # how often workers are counted and progress is told when nothing comes back
_GATHER_S = 60.0  # how long the transfer of an answer may take
_WATCH_S = 1.0  # how often tasks are looked for that take too long
_MOST_REFUSALS = 100  # tasks in a row that workers may refuse before the run gives up

_log = logging.getLogger("runner")


@dataclass(frozen=True, eq=False)
class Sent:
    """A task on its way."""

    kind: str
    """The kind of device that it is for."""
    pieces: tuple[Piece, ...]
    """What it does: one piece, or several whole batches that together fill a GPU."""
    key: str
    """Dask's name of it."""
    workers: tuple[str, ...] = ()
    """The only workers that may do it; if empty, all of its kind."""
    errand: Errand | None = None
    """On whose behalf, if it is not the dispatcher's."""
    at_s: float = field(default_factory=time.monotonic)
    """When it was sent, on this process's clock."""

    @property
    def alone(self) -> bool:
        """Whether it has a worker for itself."""
        return self.errand is None and self.pieces[0].alone


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
        self.errands: list[Errand] = []
        self.tasks = 0
        self.refusals = 0
        self.standing = Standing()
        self.watch = Watch(self.client)
        self.cell = Cell(self.client, slots, self.watch)
        self._watched = float("-inf")

    def most(self, kind: str, batch: Batch) -> int:
        """Return how many batches one task for a kind of device may hold, ``batch`` the first."""
        return 1

    def call(self, sent: Sent) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the function that a worker runs, and its arguments."""
        raise NotImplementedError

    def take(self, sent: Sent, answer: Answer) -> None:
        """Take what the function returned."""
        raise NotImplementedError

    def complete(self, complete: Complete) -> None:
        """Take a batch of which every part is done or has failed."""
        raise NotImplementedError

    def allowed_s(self, sent: Sent, worker: str | None) -> float:
        """Return how long a task may take on a worker; without one, the least on any."""
        return float("inf")

    def prepare(self) -> None:
        """Do what is to be done before anything is sent; called whenever workers are counted."""

    def tell(self) -> None:
        """Tell how far the run is; called after every answer and at least once a second."""

    def finish(self) -> None:
        """Have everything done that the dispatcher has."""
        try:
            self._fill()
            while self._unfinished:
                self._take_answers()
                self._give_up_late()
                self._fill()
                self.tell()
        finally:
            # on an error or Ctrl-C: what is committed stays, the rest is called off
            for sent in list(self.futures):
                self._call_off(sent)
            self.watch.close()

    @property
    def _unfinished(self) -> bool:
        """Whether something is on its way, kept back, or waits to be sent."""
        dispatcher = self.dispatcher
        return bool(self.futures or self.errands or dispatcher.in_flight or dispatcher.waiting)

    def _fill(self) -> None:
        """Hand out pieces until every worker of every kind has enough."""
        self.slots.refresh()
        self._take_back_stranded()
        self.prepare()
        self._isolate()
        for errand in [errand for errand in self.errands if errand.kind not in self.slots.kinds]:
            self.errands.remove(errand)
            errand.failed(f"no {errand.kind.upper()} worker was asked for")
        for kind in self.slots.counts:
            if self.slots.has_left(kind):
                self._call_back(kind)
            addresses = self.slots.addresses(kind)
            free = [
                a for a in addresses if a != self.cell.address and a not in self.watch.restarting
            ]
            out = sum(sent.kind == kind and not sent.alone for sent in self.futures)
            room = len(free) * PER_SLOT[kind] - out
            room -= self._send_errands(kind, addresses, room)
            for _ in range(room):
                pieces = self.dispatcher.bundle(partial(self.most, kind))
                if not pieces:
                    break
                avoided = frozenset[str]().union(*(piece.avoid for piece in pieces))
                chosen = [a for a in free if a not in avoided] or free
                restricted = len(chosen) < len(addresses) or self.slots.leaving
                self._send(kind, pieces, chosen if restricted else ())

    def _send_errands(self, kind: str, addresses: Sequence[str], room: int) -> int:
        """Send what is asked of workers beside the pieces, as far as there is room; count it."""
        free = [a for a in addresses if a != self.cell.address]
        gone = self.slots.has_left(kind)
        count = 0
        for errand in [errand for errand in self.errands if errand.kind == kind]:
            if count >= room and not errand.urgent and not gone:
                break  # the urgent ones come first
            workers = errand.workers(addresses if errand.urgent else free)
            if errand.urgent and not workers:
                self.errands.remove(errand)
                errand.lost()
            elif gone:
                self.errands.remove(errand)
                errand.failed(f"no {kind.upper()} worker is there")
            elif workers:
                self.errands.remove(errand)
                piece = Piece(errand.batch, errand.batch.start, errand.batch.stop)
                self._send(kind, [piece], workers, errand)
                count += 1
        return count

    def _send(
        self,
        kind: str,
        pieces: Sequence[Piece],
        workers: Sequence[str] = (),
        errand: Errand | None = None,
    ) -> None:
        self.tasks += 1
        # a piece that was called back is sent again: Dask would reuse an old key's outcome
        name = pieces[0].key(self.name) if errand is None else f"{errand.name}-{self.name}"
        sent = Sent(kind, tuple(pieces), f"{name}-{self.tasks}", tuple(workers), errand)
        if errand is None:
            self.unsent -= len(sent.pieces)
        function, arguments = self.call(sent) if errand is None else errand.call()
        try:
            future = self.client.submit(
                answer,
                function,
                *arguments,
                key=sent.key,
                resources=self.slots.resources(kind),
                workers=list(workers) or None,
                priority=int(errand is not None and errand.urgent),
                pure=False,
            )
        except connection_errors():
            self._lost(sent)  # with the connection; `Slots.refresh` says when that is for good
            return
        self.futures[sent] = future
        future.add_done_callback(lambda done: self.answers.put((sent, done)))

    def _isolate(self) -> None:
        """Give the next piece that must be alone a worker that has nothing else to do.

        What has killed a worker, or was only waiting on it, shows when one of them after the other
        has a worker for itself. The others go on meanwhile.
        """
        if any(sent.alone for sent in self.futures):
            return
        suspect = self.dispatcher.suspect
        if suspect is None:
            self.cell.release()
            return
        address = self.cell.idle(suspect.avoid)
        if address is None:
            return
        piece = self.dispatcher.next_alone()
        if piece is not None:
            self._send(self.slots.kind_of(address), [piece], [address])

    def _take_back_stranded(self) -> None:
        """Take back tasks for certain workers of which none is there any more."""
        for sent in [sent for sent in self.futures if sent.workers]:
            if self.slots.present.isdisjoint(sent.workers):
                self._call_off(sent)
                if sent.alone:
                    self._killed(sent)
                else:
                    self._lost(sent)

    def _call_back(self, kind: str) -> None:
        """Take back the tasks for a kind of device that has left, for the other kind."""
        for sent in [sent for sent in self.futures if sent.kind == kind]:
            self._call_off(sent)
            self._lost(sent)

    def _call_off(self, sent: Sent) -> None:
        """Take a task back from the cluster."""
        with suppress(*connection_errors()):
            self.futures.pop(sent).cancel()

    def _lost(self, sent: Sent) -> None:
        if sent.errand is not None:
            sent.errand.lost()
            return
        for piece in sent.pieces:
            self.dispatcher.lost(piece)
        self.unsent += len(sent.pieces)

    def _killed(self, sent: Sent) -> None:
        """Take the death of a task's worker."""
        if sent.errand is not None:
            sent.errand.failed("its worker died")
            return
        reason = "KilledWorker: its worker died of it, and had nothing else to do"
        for piece in sent.pieces:
            self._completed(self.dispatcher.killed(piece, reason))

    def _failed(self, sent: Sent, answer: Answer) -> None:
        """Take a task's exception."""
        if sent.errand is not None:
            sent.errand.failed(answer.reason)
            return
        for piece in sent.pieces:
            if answer.worker:
                self.standing.failed(answer.worker, piece.range, answer.reason)
            self._completed(
                self.dispatcher.failed(piece, answer.reason, answer.traceback, answer.worker)
            )

    def _completed(self, complete: Complete | None) -> None:
        if complete is not None:
            self.complete(complete)

    def _take_answers(self) -> None:
        """Wait for an answer, then take all that are there."""
        for sent, future in self._arrived():
            if self.futures.pop(sent, None) is None:
                continue
            if future.status == "error":
                self._erred(sent, future.exception())
            else:
                try:
                    result = future.result(timeout=_GATHER_S)
                except (OSError, CancelledError):
                    # With the scheduler, which may come back; or with its worker, in which case
                    # Dask has it done again, however long that takes.
                    self._lost(sent)
                except Exception as error:
                    self._erred(sent, error)
                else:
                    self._answered(sent, result)
            future.release()

    def _answered(self, sent: Sent, answer: Answer) -> None:
        if answer.refused:
            self._refused(sent, answer.reason)
            return
        self.refusals = 0
        if answer.reason:
            self._failed(sent, answer)
        elif sent.errand is not None:
            sent.errand.answered(answer)
        else:
            for piece in sent.pieces:
                for worker, reason in self.standing.succeeded(answer.worker, piece.range).items():
                    self._send_away(worker, reason)
            self.take(sent, answer)

    def _send_away(self, worker: str, reason: str) -> None:
        """Take a worker out of service, unless it is the last one."""
        if self.slots.total > 1:
            why = (
                f"it has failed {MOST_REFUTED} tasks in a row that others then did "
                f"(the last with {reason})"
            )
            self.slots.send_away(worker, why)

    def _erred(self, sent: Sent, error: BaseException) -> None:
        """Take what Dask itself says of a task that its worker has not answered."""
        if is_death(error):
            self._killed(sent)
        elif isinstance(error, ClusterError | ImportError):
            self._refused(sent, str(error))
        else:
            trace = "".join(traceback.format_exception(error))
            self._failed(sent, Answer("", None, f"{type(error).__name__}: {error}", trace))

    def _refused(self, sent: Sent, reason: str) -> None:
        """Send a task again that is not to blame: its worker is about to be sent away."""
        self.refusals += 1
        if self.refusals > _MOST_REFUSALS:
            raise ClusterError(reason)
        self._lost(sent)

    def _give_up_late(self) -> None:
        """Take tasks from workers that have had them for too long, and restart those workers."""
        now = time.monotonic()
        if now - self._watched < _WATCH_S:
            return
        self._watched = now
        if self.watch.restarting:
            self.slots.look_again()
        for worker in self.watch.not_restarted():
            self.slots.send_away(worker, "it hangs, and its process could not be replaced")
        by_key = {sent.key: sent for sent in self.futures}
        for seen, for_s in self.watch.running_s(now).items():
            sent = by_key.get(seen.key)
            if sent is None:
                continue
            most_s = self.allowed_s(sent, seen.worker)
            if for_s > most_s:
                self._give_up(sent, seen.worker, most_s)
        # a task may have waited for its turn: only what was sent long ago is worth a look
        self.watch.look(
            [s.key for s in self.futures if now - s.at_s > self.allowed_s(s, None) / 4], now
        )

    def _give_up(self, sent: Sent, worker: str, most_s: float) -> None:
        reason = f"TimeoutError: no answer within {most_s:.0f} s"
        _log.warning("%s: %s: its process is replaced.", worker, reason)
        self._call_off(sent)
        self.watch.restart(worker)
        # the new process has a clean slate, so the task may go to it
        self._failed(sent, Answer("", None, reason))

    def _arrived(self) -> Iterator[tuple[Sent, Any]]:
        try:
            yield self.answers.get(timeout=_REFRESH_S)
            while True:
                yield self.answers.get_nowait()
        except queue.Empty:
            return
