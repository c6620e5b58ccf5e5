"""Train a plan's batches on a cluster's workers, and commit what comes back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from runner.cluster.task_results import TaskResult
from runner.dispatch.batch_origin import BatchOrigin
from runner.dispatch.dispatcher import Complete, Piece
from runner.dispatch.fault_policy import FaultPolicy
from runner.dispatch.gpu_code import GpuCode
from runner.dispatch.late_shards import LateShards
from runner.dispatch.progress import Progress, ProgressCallback
from runner.dispatch.staged_training import StagedAnswers, StagedBatch, unpacked
from runner.dispatch.stored_training import StoredBatch, StoredResults
from runner.dispatch.tasks.auxiliary import AuxiliaryTask
from runner.dispatch.tasks.deadlines import Deadlines
from runner.dispatch.tasks.handler import TASKS_PER_WORKER, RunState, TaskHandler
from runner.dispatch.tasks.in_flight import Call, SentTask
from runner.dispatch.telemetry import Telemetry
from runner.dispatch.time_left.estimate import TimeLeft
from runner.dispatch.time_left.pilot_tasks import PilotTask, pilot_tasks
from runner.dispatch.time_left.task_cost import TaskCost
from runner.dispatch.training_tasks import TrainingTasks
from runner.dispatch.verification.audits import AuditRecord, Audits, AuditTask, unaudited
from runner.dispatch.verification.canaries import CanaryTask, Difference
from runner.dispatch.verification.unverified_results import Unverified
from runner.errors import FailuresError
from runner.errors.messages import printable, shown
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study.commits import Commit
from runner.study.group_commit import Ready
from runner.study.objects.worker_shards import StoredShard
from runner.study.staging import StagedShard, Staging
from runner.study.store import Store
from runner.study.writer import Writer
from runner.training.shards import encode_shard, join, shard_schema
from runner.training.worker import Trained

_MOST_TOGETHER = 256  # results that are fetched, and batches that are committed, together
_MOST_BYTES = 2**25  # of shards that wait in memory to be committed

Answer = Trained | StagedBatch | StoredBatch
"""What a worker tells of a batch."""

Event = AuditTask | AuditRecord | Difference
"""What canaries and audits find, or want done."""


class TrainingRun(TaskHandler):
    """One run of a sweep: what workers compute is verified, committed and counted.

    Parameters
    ----------
    store : Store
        What is committed already.
    writer : Writer
        Commits batches to it.
    plan : Plan
    left : sequence of Batch
        What is to be trained.
    faults : FaultPolicy
    report : callable, optional
        Called with the `Progress`.
    staging : Staging, optional
        Where workers write shards themselves, if they do.
    stored : StoredResults, optional
        What asks for those that they write into an object store.

    Notes
    -----
    The way of a result, from `succeeded` on: it is *unverified* until its worker's canary has been
    compared, then *accepted* piece by piece, and *committed* with the batch that it completes and
    all that were completed since the loop waited last (`settle`): one sync serves many.
    Meanwhile its pieces stay out at the dispatcher, so the run does not end. A worker may turn out
    to differ, or leave, while results of it are unverified: they are dropped, and the pieces are
    done again elsewhere.

    Canaries and audits know nothing of the run: they return events, which `_apply` carries out.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        plan: Plan,
        left: Iterable[Batch],
        faults: FaultPolicy,
        report: ProgressCallback | None,
        staging: Staging | None = None,
        stored: StoredResults | None = None,
    ) -> None:
        self.store = store
        self.writer = writer
        self.plan = plan
        self.faults = faults
        self.tasks = TrainingTasks(plan, staging, None if stored is None else stored.place)
        self.stored = stored
        self.telemetry = Telemetry(writer)
        self.staging = staging
        self.answers = None if staging is None else StagedAnswers(staging, store.where)
        self.late = None if staging is None else LateShards(staging)
        self.deadlines = Deadlines(faults.deadline_s)
        self.unverified = Unverified(self.tasks, plan)
        self.audits = Audits(unaudited(store, plan, faults.audit))
        self._left = left = list(left)
        self._time_left = TimeLeft(plan, left)
        again = set(left)
        self._earlier = [commit for commit in store.all_commits() if commit.batch not in again]
        self.gpu_code = GpuCode(store.where, plan, self._earlier)
        self._failed_earlier = sum(len(commit.failures) for commit in self._earlier)
        self._origins: dict[Batch, BatchOrigin] = {}
        self._completed: list[tuple[Ready, set[str]]] = []  # with the workers that trained them
        self._report = report
        self._started_s = time.monotonic()
        done = plan.n_restarts - sum(len(batch) for batch in store.remaining(plan))
        self.progress = Progress(plan.n_restarts, done, done)

    @property
    def results_together(self) -> int:
        """Many, where results are what was told of shards."""
        few = 1 if self.stored is None else self.stored.together
        return few if self.answers is None else _MOST_TOGETHER

    @property
    def _now_s(self) -> float:
        return time.monotonic() - self._started_s

    def begin(self, run: RunState) -> None:
        """Queue the audits of what earlier runs have committed, and pilot tasks."""
        self.progress.dashboard = run.pool.client.dashboard_link or ""
        self.check(run)
        if run.pool.counts.get("cpu"):  # a GPU takes batches together that follow each other
            for pilot in pilot_tasks(self.plan, self._left):
                run.auxiliary.add(pilot)
        for commit in self._earlier:
            self._audit(run, commit)

    # What is sent.

    def call(self, task: SentTask) -> Call:
        """Train pieces, a canary, a pilot, or an audited batch."""
        if isinstance(task.auxiliary, CanaryTask):
            return self.tasks.canary(task.auxiliary.batch, task.kind)
        if isinstance(task.auxiliary, PilotTask):
            return self.tasks.pilot(task.auxiliary.segments, task.kind)
        if isinstance(task.auxiliary, AuditTask):
            return self.tasks.audit(task.range, task.kind)
        known = self.telemetry.known(task.range.group_of_round)
        return self.tasks.pieces(task.pieces, task.range, task.kind, known)

    def batches_per_task(self, run: RunState, kind: str, first: Batch) -> int:
        """Return how many batches one task may train: as many as fill a GPU, one on a CPU.

        A GPU's share shrinks towards the end, so that it does not hold all that is left.
        """
        if kind == "cpu":
            return 1
        n_shares = 2 * TASKS_PER_WORKER[kind] * run.pool.counts[kind]
        share = run.dispatcher.remaining // n_shares
        return max(1, min(self.tasks.batches_that_fill(first, kind), share))

    def allowed_s(self, task: SentTask, worker: str | None) -> float:
        """Return how long a task may take."""
        steps, guess_s = self.tasks.most_work(task.range, task.kind)
        return self.deadlines.allowed_s(
            (task.kind, task.range.group_of_round), steps, guess_s, worker
        )

    def prepare(self, run: RunState) -> None:
        """Compare workers that have joined, before their results are accepted."""
        if self.faults.canary:
            for task, result in self.unverified.prepare(run):
                self._accept(run, task, result)
        if self.answers is not None and self.late is not None:
            for task, result in self.late.seen():
                self._take_if(run, task, result, self.answers.problem(result, task.pieces))
        for task, checked in () if self.stored is None else self.stored.checked():
            run.lose(task) if checked is None else self._take(run, task, checked)

    # What comes back.

    def succeeded(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        """Accept what was trained, at once if its worker was found to compute as others do."""
        if isinstance(result.value, bytes):
            result = replace(result, value=unpacked(result.value))
        if result.worker in self.unverified.different:
            run.lose(task)
        elif self.faults.canary and self.unverified.must_wait(run, task, result):
            self.unverified.keep(task, result)
        else:
            self._accept(run, task, result)

    def task_failed(self, task: SentTask) -> None:
        """Note that a kind of device has a part in what its batches will be."""
        for piece in task.pieces:
            self._origins.setdefault(piece.batch, BatchOrigin()).devices.add(task.kind)

    def check(self, run: RunState) -> None:
        """Raise FailuresError if more restarts have failed than may."""
        failed = self._failed_earlier + run.dispatcher.n_failed
        if self.faults.max_failures is not None and failed > self.faults.max_failures:
            last = run.dispatcher.last_failure
            message = (
                f"{printable(str(self.store.path))}: {failed:,} restarts have failed"
                f"{f' (the last with {shown(last.reason)})' if last else ''}; expected at most "
                f"{self.faults.max_failures:,} (--max-failures). What is committed stays; rerun "
                "with a larger max_failures (--max-failures) to continue."
            )
            raise FailuresError(message)

    def completed(self, run: RunState, complete: Complete) -> None:
        """Have a batch committed with others."""
        batch, origin = complete.batch, self._origins.pop(complete.batch)
        rows = len(batch) - len(complete.failures)
        device = "+".join(sorted(origin.devices))
        of = batch, self._shard(complete), rows, complete.failures, device, origin.of_all
        self._completed.append((Ready(*of), origin.workers))
        self._time_left.failed(batch, len(complete.failures))
        n_bytes = sum(ready.n_bytes for ready, _ in self._completed)
        if len(self._completed) >= _MOST_TOGETHER or n_bytes >= _MOST_BYTES:
            self.settle(run)

    def settle(self, run: RunState) -> None:
        """Commit what was completed, and write what was told of it."""
        self.telemetry.write()
        completed, self._completed = self._completed, []
        if not completed:
            return
        workers = {ready.batch: by for ready, by in completed}
        for commit in self.writer.commit_together([r for r, _ in completed], self.staging):
            self.progress.done += len(commit.batch)
            self.progress.failed += len(commit.failures)
            self._audit(run, commit, workers[commit.batch])

    def _audit(self, run: RunState, commit: Commit, trained_by: Iterable[str] = ()) -> None:
        """Have a batch audited, if it is to be."""
        cpus = bool(run.pool.counts.get("cpu"))
        self._apply(run, *self.audits.committed(commit, trained_by, cpus=cpus))

    def _shard(self, complete: Complete) -> bytes | StagedShard | StoredShard:
        """Return the shard of a batch, or where it is."""
        if not complete.shards:
            signature = self.plan.first_member(complete.batch).signature()
            return encode_shard(shard_schema(signature).empty_table(), signature, {})
        if len(complete.shards) == 1:
            whole: bytes | StagedShard | StoredShard = complete.shards[0]
            return whole
        if self.answers is None:
            return join(complete.shards)
        return join([self.answers.read(shard) for shard in complete.shards])

    def auxiliary_ended(
        self, run: RunState, task: AuxiliaryTask, result: TaskResult | None
    ) -> None:
        """Do what canaries and audits ask for, and note what a pilot has cost."""
        if isinstance(task, CanaryTask):
            self._apply(run, *self.unverified.ended(task, result))
        elif isinstance(task, AuditTask):
            self._apply(run, task.ended(result))
        elif isinstance(task, PilotTask) and result is not None and not result.reason:
            cost = TaskCost.of(result.worker, [result.value.telemetry], self._now_s)
            if (dearest := self._time_left.piloted(task.batch, cost)) is not None:
                run.dispatcher.hasten(dearest)

    def report_progress(self, run: RunState) -> None:
        """Call the callback."""
        self.progress.workers = run.pool.total
        self.progress.gpus = run.pool.counts.get("gpu", 0)
        self.progress.elapsed_s = now_s = self._now_s
        self.progress.time_left_s = self._time_left.seconds(now_s, run.pool.total)
        if self._report is not None:
            self._report(self.progress)

    def _apply(self, run: RunState, *events: Event) -> None:
        """Carry out what canaries and audits have found, or want done."""
        for event in events:
            match event:
                case AuditTask():
                    run.auxiliary.add(event)
                case AuditRecord():
                    self.writer.record_audit(event.row)
                    event.check(self.store.path)
                case Difference():
                    reason = (
                        f"it computes other bits than {event.reference}: a small batch has SHA-256 "
                        f"{event.sha256[:16]}, not {event.expected[:16]}"
                    )
                    run.pool.dismiss(event.worker, reason)
                    self.unverified.drop(run, event.worker)

    def _accept(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        """Take what was trained, as soon as its shards are there."""
        if self.stored is not None and self.stored.keep(task, result):
            return
        if self.answers is None or self.late is None:
            self._take(run, task, result)
            return
        problem = self.answers.problem(result, task.pieces)
        if problem:
            if self.late.keep(task, result):
                return
            # it may have come to be seen between the two looks
            problem = self.answers.problem(result, task.pieces)
        self._take_if(run, task, result, problem)

    def _take_if(self, run: RunState, task: SentTask, result: TaskResult, problem: str) -> None:
        """Take what workers have written unless there is a problem; then have it done again."""
        if self.answers is not None and not self.answers.accepted(result, problem, run.pool):
            run.lose(task)
        else:
            self._take(run, task, result)

    def _take(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        """Note what was trained, and commit the batches that it completes."""
        value: Trained | Sequence[Answer] = result.value
        parts = [value] if isinstance(value, Trained) else value
        cost = TaskCost.of(result.worker, [part.telemetry for part in parts], self._now_s)
        self.deadlines.note(
            (task.kind, task.range.group_of_round),
            result.worker,
            work=sum(part.telemetry["lane_steps"] for part in parts),
            train_s=cost.train_s,
            compile_s=cost.compile_s,
        )
        self._time_left.trained(task.range, cost)
        for piece, trained in zip(task.pieces, parts, strict=True):
            self.gpu_code.require(self.plan, piece.batch, trained.telemetry)
            self._note(piece, trained, result.worker)
            complete = run.dispatcher.succeeded(piece, trained.shard)
            if complete is not None:
                self.completed(run, complete)

    def _note(self, piece: Piece, trained: Answer, worker: str) -> None:
        """Keep what a piece's training tells of speed and success."""
        telemetry = trained.telemetry
        origin = self._origins.setdefault(piece.batch, BatchOrigin())
        origin.devices.add(telemetry["device"])
        origin.workers.add(worker)
        origin.programs.add(self.telemetry.note(piece, worker, telemetry))
        self.progress.restart_steps += telemetry["restart_steps"]
        for segment in self.plan.segments(piece.range):
            index = segment.configuration.index
            solved, seen = self.progress.solved.pop(index, (0, 0))
            n_solved = telemetry["solved"][int(self.plan.numbers[index])]
            self.progress.solved[index] = [solved + n_solved, seen + segment.stop - segment.start]
