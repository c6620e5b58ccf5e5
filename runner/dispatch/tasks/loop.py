"""Keep a cluster's workers fed from a dispatcher, a few tasks in flight for each."""

from __future__ import annotations

import logging
import traceback
import uuid
from collections.abc import Sequence
from functools import partial

from runner.cluster.client import is_death
from runner.cluster.task_results import TaskResult
from runner.dispatch.dispatcher import Complete, Piece
from runner.dispatch.tasks.auxiliary import AuxiliaryTask
from runner.dispatch.tasks.handler import TASKS_PER_WORKER, RunState, TaskHandler
from runner.dispatch.tasks.in_flight import SentTask
from runner.dispatch.tasks.isolation import IsolatedWorker
from runner.dispatch.tasks.monitor import TaskMonitor
from runner.dispatch.tasks.result_transfer import ResultTransfer
from runner.dispatch.tasks.worker_failures import MOST_REFUTED, WorkerFailures
from runner.errors import ClusterError

_REFRESH_S = 0.5  # how often workers are counted and progress is reported when nothing comes back
_MOST_REFUSALS = 100  # tasks in a row that workers may refuse before the run gives up

_log = logging.getLogger("runner")


class TaskLoop:
    """Sends the tasks of one run and collects their results, until there are none left.

    Parameters
    ----------
    run : RunState
        Workers, checked, and what there is to do.
    handler : TaskHandler
        What the tasks do, and what becomes of their results.

    Notes
    -----
    One thread runs the loop, and it alone changes the run's state. Two others bring news: Dask's
    event loop puts futures that are done into a queue, and the `TaskMonitor` asks workers what
    they run. What can interleave:

    - A result may arrive for a task that was *called off* meanwhile, because its worker was given
      up or has left: `TasksInFlight` drops it.
    - Dask forgives a task the deaths of a few workers and runs it again by itself; the loop hears
      nothing of it. Only a task for *named* workers waits for ever once they are gone: those are
      taken back when the workers are counted (`_take_back_stranded`).
    - A worker may die between the end of a task and the transfer of its result. Dask then runs the
      task again, or reports its death; both were waited for without a bound once. Now the transfer
      has a time limit, and the task is sent again under another name.
    - The scheduler may go and come back at any line that talks to it: that is
      `connection_errors`. What was to be sent is then lost, and sent again once workers are there;
      `WorkerPool.refresh` decides when the scheduler is gone for good.

    What a task may end as, and what follows for its pieces:

    ==============  ==================================================================
    succeeded       the handler's decision; the worker's failures are forgotten
    failed          tried again elsewhere, then halved, until a single restart is left
    died            tried again on an `IsolatedWorker`; if it was there, failed
    late            its worker's process is replaced; failed
    refused         sent again: its worker is unfit, and about to be dismissed
    hopeless        the run ends with its error: what is compiled is the same for all of a
                    group's restarts. It was a failure once, and every batch of thousands of
                    restarts was halved down to single ones, each compiled anew
    lost            sent again, as if it had never been sent
    ==============  ==================================================================
    """

    def __init__(self, run: RunState, handler: TaskHandler) -> None:
        self.run = run
        self.handler = handler
        self.failures = WorkerFailures()
        self.monitor = TaskMonitor(run.pool.client)
        self.isolated = IsolatedWorker(run.pool, self.monitor)
        self.transfer = ResultTransfer(run.pool)
        self._name = uuid.uuid4().hex[:8]
        self._n_sent = 0
        self._refusals = 0

    def finish(self) -> None:
        """Have everything done that the dispatcher has."""
        try:
            self.handler.begin(self.run)
            self._send_what_fits()
            while self.run.unfinished:
                self._collect_results()
                self._give_up_late_tasks()
                self._send_what_fits()
                # after sending, so that workers have something to do while disks are waited for
                self.handler.settle(self.run)
                self.handler.report_progress(self.run)
        finally:
            # on an error or Ctrl-C: what is committed stays, the rest is called off
            for task in self.run.in_flight:
                self.run.in_flight.call_off(task)
            self.monitor.close()
            self.handler.settle(self.run)

    # Sending.

    def _send_what_fits(self) -> None:
        """Hand out pieces until every worker of every kind has enough."""
        pool = self.run.pool
        pool.refresh(needed=self.run.needs_workers)
        self._take_back_stranded()
        self.handler.prepare(self.run)
        self._send_isolated()
        for kind in self.run.auxiliary.kinds - set(pool.kinds):
            self._drop_auxiliary(kind, f"no {kind.upper()} worker was asked for")
        for kind in pool.counts:
            if pool.has_left(kind):
                self._take_back_all(kind)
            self._feed(kind)

    def _feed(self, kind: str) -> None:
        """Send tasks of one kind of device: auxiliary ones first, then pieces."""
        pool, isolated = self.run.pool, self.isolated.address
        addresses = pool.addresses(kind)
        in_use = [address for address in addresses if address != isolated]
        free = [address for address in in_use if address not in self.monitor.restarting]
        n_shared = sum(t.kind == kind and not t.alone for t in self.run.in_flight)
        room = len(free) * TASKS_PER_WORKER[kind] - n_shared
        room -= self._send_auxiliary(kind, addresses, in_use, room)
        tasks = []
        for _ in range(room):
            pieces = self.run.dispatcher.bundle(
                partial(self.handler.batches_per_task, self.run, kind)
            )
            if not pieces:
                break
            avoided = frozenset[str]().union(*(piece.avoid for piece in pieces))
            chosen = [address for address in free if address not in avoided] or free
            # Without names Dask may take any worker of the kind: also one that is dismissed and
            # has not left yet.
            named = len(chosen) < len(addresses) or pool.leaving
            tasks.append(self._task(kind, pieces, chosen if named else ()))
        self._send(kind, tasks)

    def _send_auxiliary(
        self, kind: str, addresses: Sequence[str], in_use: Sequence[str], room: int
    ) -> int:
        """Send auxiliary tasks, the urgent ones whether there is room or not; count them."""
        waiting = self.run.auxiliary
        count = 0
        for task in waiting.take_urgent(kind):
            workers = task.workers(addresses)
            if workers:
                self._send_check(task, workers)
                count += 1
            else:
                self.handler.auxiliary_ended(self.run, task, None)
        if self.run.pool.has_left(kind):
            self._drop_auxiliary(kind, f"no {kind.upper()} worker is there")
        while count < room and in_use and (next_task := waiting.next(kind)) is not None:
            self._send_check(next_task, next_task.workers(in_use))
            count += 1
        return count

    def _drop_auxiliary(self, kind: str, reason: str) -> None:
        for task in self.run.auxiliary.take_all(kind):
            self.handler.auxiliary_ended(self.run, task, TaskResult("", reason=reason))

    def _send_check(self, task: AuxiliaryTask, workers: Sequence[str]) -> None:
        piece = Piece(task.batch, task.batch.start, task.batch.stop)
        self._send(task.kind, [self._task(task.kind, [piece], workers, task)])

    def _send_isolated(self) -> None:
        """Give the next piece that must be alone a worker that has nothing else to do.

        What has killed a worker, or was only waiting on it, shows when one of them after the other
        has a worker for itself. The others have work meanwhile.
        """
        if any(task.alone for task in self.run.in_flight):
            return
        suspect = self.run.dispatcher.suspect
        if suspect is None:
            self.isolated.release()
            return
        address = self.isolated.when_idle(suspect.avoid)
        if address is None:
            return
        piece = self.run.dispatcher.next_alone()
        if piece is not None:
            kind = self.run.pool.kind_of(address)
            self._send(kind, [self._task(kind, [piece], [address])])

    def _task(
        self,
        kind: str,
        pieces: Sequence[Piece],
        workers: Sequence[str] = (),
        auxiliary: AuxiliaryTask | None = None,
    ) -> SentTask:
        self._n_sent += 1
        # A piece that was called back is sent again: Dask would reuse an old key's outcome.
        name = pieces[0].key(self._name) if auxiliary is None else f"{auxiliary.name}-{self._name}"
        return SentTask(kind, tuple(pieces), f"{name}-{self._n_sent}", tuple(workers), auxiliary)

    def _send(self, kind: str, tasks: Sequence[SentTask]) -> None:
        sent = [(task, self.handler.call(task)) for task in tasks]
        for task in self.run.in_flight.submit(sent, self.run.pool.resources(kind)):
            self._lost(task)  # with the connection; `WorkerPool.refresh` says when that is for good

    # Taking back.

    def _take_back_stranded(self) -> None:
        """Take back tasks for certain workers of which none is there any more."""
        for task in [task for task in self.run.in_flight if task.workers]:
            if self.run.pool.present.isdisjoint(task.workers):
                self.run.in_flight.call_off(task)
                if task.alone:
                    self._died(task)
                else:
                    self._lost(task)

    def _take_back_all(self, kind: str) -> None:
        """Take back the tasks for a kind of device that has left, for the other kind."""
        for task in [task for task in self.run.in_flight if task.kind == kind]:
            self.run.in_flight.call_off(task)
            self._lost(task)

    # Outcomes.

    def _collect_results(self) -> None:
        """Wait for a result, then accept all that are there."""
        for arrivals in self.run.in_flight.arrived(_REFRESH_S, self.handler.results_together):
            outcomes = self.transfer.outcomes([future for _, future in arrivals])
            for (task, _), outcome in zip(arrivals, outcomes, strict=True):
                if outcome is None:
                    self._lost(task)
                elif isinstance(outcome, TaskResult):
                    self._returned(task, outcome)
                else:
                    self._raised(task, outcome)

    def _returned(self, task: SentTask, result: TaskResult) -> None:
        """Accept what `run_task` has returned."""
        if result.error is not None:
            result.error.add_note(f"On worker {result.worker}:\n{result.traceback}")
            raise result.error
        if result.refused:
            self._refused(task, result.reason)
            return
        self._refusals = 0
        if result.reason:
            self._failed(task, result)
        elif task.auxiliary is not None:
            self.handler.auxiliary_ended(self.run, task.auxiliary, result)
        else:
            for piece in task.pieces:
                for worker, reason in self.failures.succeeded(result.worker, piece.range).items():
                    self._dismiss(worker, reason)
            self.handler.succeeded(self.run, task, result)

    def _raised(self, task: SentTask, error: BaseException) -> None:
        """Accept what Dask itself says of a task for which `run_task` has not returned."""
        if is_death(error):
            self._died(task)
        elif isinstance(error, ClusterError | ImportError):
            self._refused(task, str(error))
        else:
            trace = "".join(traceback.format_exception(error))
            reason = f"{type(error).__name__}: {error}"
            self._failed(task, TaskResult("", reason=reason, traceback=trace))

    def _failed(self, task: SentTask, result: TaskResult) -> None:
        """Handle a task's exception."""
        if task.auxiliary is not None:
            self.handler.auxiliary_ended(self.run, task.auxiliary, result)
            return
        self.handler.task_failed(task)
        for piece in task.pieces:
            if result.worker:
                self.failures.failed(result.worker, piece.range, result.reason)
            self._piece_failed(
                self.run.dispatcher.failed(piece, result.reason, result.traceback, result.worker)
            )

    def _died(self, task: SentTask) -> None:
        """Handle the death of a task's worker."""
        if task.auxiliary is not None:
            result = TaskResult("", reason="its worker died")
            self.handler.auxiliary_ended(self.run, task.auxiliary, result)
            return
        self.handler.task_failed(task)
        reason = "KilledWorker: its worker died of it, and had nothing else to do"
        for piece in task.pieces:
            self._piece_failed(self.run.dispatcher.killed(piece, reason))

    def _piece_failed(self, complete: Complete | None) -> None:
        if complete is not None:
            self.handler.completed(self.run, complete)
        # Not only when workers are next counted: a sweep that may have no failures would have
        # trained half a second's worth of batches more.
        self.handler.check(self.run)

    def _refused(self, task: SentTask, reason: str) -> None:
        """Send a task again that is not to blame: its worker is about to be dismissed."""
        self._refusals += 1
        if self._refusals > _MOST_REFUSALS:
            raise ClusterError(reason)
        self._lost(task)

    def _lost(self, task: SentTask) -> None:
        """Have a task done again that was never done."""
        if task.auxiliary is not None:
            self.handler.auxiliary_ended(self.run, task.auxiliary, None)
        else:
            self.run.lose(task)

    def _dismiss(self, worker: str, reason: str) -> None:
        """Dismiss a worker that fails what others do, unless it is the last one."""
        if self.run.pool.total > 1:
            why = (
                f"it has failed {MOST_REFUTED} tasks in a row that others then did "
                f"(the last with {reason})"
            )
            self.run.pool.dismiss(worker, why)

    # Deadlines.

    def _give_up_late_tasks(self) -> None:
        """Take tasks from workers that have had them for too long, and restart those workers."""
        if not self.monitor.due():
            return
        if self.monitor.restarting:
            self.run.pool.count_soon()
        for worker in self.monitor.not_restarted():
            self.run.pool.dismiss(worker, "it hangs, and its process could not be replaced")
        for late in self.monitor.late(self.run.in_flight, self.handler.allowed_s):
            reason = f"TimeoutError: no answer within {late.allowed_s:.0f} s"
            _log.warning("%s: %s: its process is replaced.", late.worker, reason)
            self.run.in_flight.call_off(late.task)
            self.monitor.restart(late.worker)
            # No worker is named: the new process has a clean slate, so the task may go to it.
            self._failed(late.task, TaskResult("", reason=reason))
