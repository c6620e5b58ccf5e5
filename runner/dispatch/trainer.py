"""Train a plan's batches on a cluster's workers, and commit what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runner.cluster.answers import Answer
from runner.cluster.slots import Slots
from runner.dispatch.audits import Audits
from runner.dispatch.canaries import Canaries, Canary, Difference
from runner.dispatch.deadlines import Deadlines
from runner.dispatch.dispatcher import Complete, Dispatcher, Piece
from runner.dispatch.fault_policy import FaultPolicy
from runner.dispatch.progress import Progress, ProgressCallback
from runner.dispatch.window import PER_SLOT, Sent, Window
from runner.errors import FailuresError
from runner.errors.messages import printable, shown
from runner.experiment.plan import Batch, Plan
from runner.study.store import Store
from runner.training.shards import encode, join, shard_schema
from runner.training.worker import Task, Trained, train_batch, train_batches

_CANARY_RESTARTS = 16
_CANARY_STEPS = 100


class Trainer(Window):
    """One run of a sweep: the dispatcher, the cluster and the store tied together.

    Parameters
    ----------
    store : Store
        Where batches are committed.
    plan : Plan
    slots : Slots
        Workers, checked.
    left : list of Batch
        What is to be trained.
    faults : FaultPolicy
    report : callable, optional
        Told how far it is.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        slots: Slots,
        left: list[Batch],
        faults: FaultPolicy,
        report: ProgressCallback | None,
    ) -> None:
        super().__init__(slots, Dispatcher(left), len(left))
        self.store = store
        self.plan = plan
        self.faults = faults
        self.report = report or (lambda _: None)
        self.deadlines = Deadlines(faults.deadline_s)
        self.bounds: dict[tuple[str, int], tuple[int, int, float]] = {}  # lanes, steps, step_s
        self.devices: dict[Batch, set[str]] = {}  # where the pieces of open batches were trained
        self.trained_by: dict[Batch, set[str]] = {}  # by which workers
        self.canaries = Canaries()
        self.doubtful: dict[str, list[tuple[Sent, Answer]]] = {}  # answers of workers not compared
        self.group = left[0].group if left else 0
        again = set(left)
        before = [commit for commit in store.commits() if commit.batch not in again]
        self.failed_before = sum(len(commit.failures) for commit in before)
        self.audits = Audits(store, plan, faults.audit, self._whole, self.errands.append)
        for commit in before:
            self.audits.committed(commit)
        self.started = time.monotonic()
        done = plan.n_restarts - sum(len(batch) for batch in store.remaining(plan))
        self.progress = Progress(plan.n_restarts, done, done)
        self.progress.dashboard = self.client.dashboard_link or ""
        self._check_failures()

    def most(self, kind: str, batch: Batch) -> int:
        """Return how many batches one task may train: as many as fill a GPU, one on a CPU.

        A GPU's share shrinks towards the end, so that it does not hold all that is left.
        """
        if kind == "cpu":
            return 1
        group = self.plan.groups[batch.group]
        lanes = group.configurations[0].signature(kind).n_lanes
        share = self.unsent // (2 * PER_SLOT[kind] * self.slots.counts[kind])
        return max(1, min(lanes // group.batch_size, share))

    def call(self, sent: Sent) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Train a piece, or several batches together."""
        first, last = sent.pieces[0], sent.pieces[-1]
        whole = Batch(first.batch.group, first.start, last.stop)
        if len(sent.pieces) == 1:
            return self._whole(whole, sent.kind)
        sizes = [piece.stop - piece.start for piece in sent.pieces]
        return train_batches, (self._task(whole, sent.kind), sizes)

    def _whole(self, batch: Batch, device: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return train_batch, (self._task(batch, device),)

    def _task(self, batch: Batch, device: str) -> Task:
        segments = self.plan.segments(batch)
        seed, engine = self.plan.experiment.seed, self.plan.engine
        return Task(segments, seed, engine, self.plan.n_curves, device)

    def allowed_s(self, sent: Sent, worker: str | None) -> float:
        """Return how long a task may take."""
        first, last = sent.pieces[0], sent.pieces[-1]
        which = (sent.kind, first.batch.group)
        if which not in self.bounds:
            group = self.plan.groups[first.batch.group].configurations
            self.bounds[which] = (
                group[0].signature(sent.kind).n_lanes,
                max(c.settings.training.max_steps for c in group),
                max(c.step_s for c in group),
            )
        lanes, max_steps, step_s = self.bounds[which]
        # lanes that are not filled are computed all the same
        most = lanes * -(-(last.stop - first.start) // lanes) * max_steps
        return self.deadlines.allowed_s(which, most, most * step_s, worker)

    def prepare(self) -> None:
        """Compare workers that have joined, before their work is taken."""
        if not self.faults.canary:
            return
        present = self.slots.present
        self.canaries.forget(present)
        for worker in [worker for worker in self.doubtful if worker not in present]:
            self._drop(worker)
        upcoming = self.dispatcher.upcoming
        self.group = upcoming.group if upcoming else self.group
        for kind in self.slots.kinds:
            there = self.slots.fit(kind)
            if not self.dispatcher.waiting:  # nobody new is needed
                there = [a for a in there if a in self.canaries.believed or a in self.doubtful]
            for worker in self.canaries.ask(there, (kind, self.group)):
                self.errands.insert(0, self._canary(worker, kind))
        for worker in [worker for worker in self.doubtful if worker in self.canaries.believed]:
            for sent, answer in self.doubtful.pop(worker):
                self._take(sent, answer)

    def _canary(self, worker: str, device: str) -> Canary:
        batch = Batch(self.group, 0, min(_CANARY_RESTARTS, self.plan.experiment.restarts))
        task = self._task(batch, device)
        segments = tuple(
            replace(segment, configuration=segment.configuration.shortened(_CANARY_STEPS))
            for segment in task.segments
        )
        call = train_batch, (replace(task, segments=segments, n_curves=0),)
        return Canary(worker, (device, self.group), batch, call, self.canaries, self._differ)

    def _differ(self, differences: list[Difference]) -> None:
        """Send workers away that compute other bits than the first one."""
        for found in differences:
            reason = (
                f"it computes other bits than {found.reference}: a small batch has SHA-256 "
                f"{found.sha256[:16]}, not {found.expected[:16]}"
            )
            self.slots.send_away(found.worker, reason)
            self._drop(found.worker)

    def _drop(self, worker: str) -> None:
        """Have done again what a worker has done that is not to be believed."""
        for sent, _ in self.doubtful.pop(worker, []):
            self._lost(sent)

    def take(self, sent: Sent, answer: Answer) -> None:
        """Take what was trained, at once if its worker was found to compute as others do."""
        if answer.worker in self.canaries.different:
            self._lost(sent)
        elif self.faults.canary and answer.worker not in self.canaries.believed:
            self.doubtful.setdefault(answer.worker, []).append((sent, answer))
        else:
            self._take(sent, answer)

    def _take(self, sent: Sent, answer: Answer) -> None:
        """Note and commit what was trained."""
        result: Trained | list[Trained] = answer.result
        parts = result if isinstance(result, list) else [result]
        self.deadlines.note(
            (sent.kind, sent.pieces[0].batch.group),
            answer.worker,
            work=sum(part.telemetry["lane_steps"] for part in parts),
            train_s=sum(part.telemetry["train_s"] for part in parts),
            compile_s=sum(part.telemetry["compile_s"] for part in parts),
        )
        for piece, trained in zip(sent.pieces, parts, strict=True):
            self._note(piece, trained, answer.worker)
            self._completed(self.dispatcher.succeeded(piece, trained.shard))

    def _failed(self, sent: Sent, answer: Answer) -> None:
        self._note_device(sent)
        super()._failed(sent, answer)

    def _killed(self, sent: Sent) -> None:
        self._note_device(sent)
        super()._killed(sent)

    def _note_device(self, sent: Sent) -> None:
        if sent.errand is None:
            for piece in sent.pieces:
                self.devices.setdefault(piece.batch, set()).add(sent.kind)

    def _completed(self, complete: Complete | None) -> None:
        """Commit a batch if it is complete; stop at once where too many restarts have failed."""
        super()._completed(complete)
        self._check_failures()

    def _check_failures(self) -> None:
        failed = self.failed_before + self.dispatcher.n_failed
        if self.faults.max_failures is not None and failed > self.faults.max_failures:
            last = self.dispatcher.last_failure
            message = (
                f"{printable(str(self.store.path))}: {failed:,} restarts have failed"
                f"{f' (the last with {shown(last.reason)})' if last else ''}; expected at most "
                f"{self.faults.max_failures:,} (--max-failures). What is committed stays; rerun "
                "with a larger --max-failures to continue."
            )
            raise FailuresError(message)

    def complete(self, complete: Complete) -> None:
        """Commit a batch."""
        batch = complete.batch
        if complete.shards:
            shard = join(complete.shards)
        else:
            segment = self.plan.segments(batch)[0]
            shard = encode(shard_schema(segment.configuration.signature()).empty_table())
        rows = len(batch) - len(complete.failures)
        device = "+".join(sorted(self.devices.pop(batch)))
        commit = self.store.commit(batch, shard, rows, complete.failures, device)
        self.progress.done += len(batch)
        self.progress.failed += len(complete.failures)
        self.audits.committed(commit, self.trained_by.pop(batch, ()))

    def _note(self, piece: Piece, trained: Trained, worker: str) -> None:
        """Keep what a piece's training tells of speed and success."""
        telemetry = trained.telemetry
        self.devices.setdefault(piece.batch, set()).add(telemetry["device"])
        self.trained_by.setdefault(piece.batch, set()).add(worker)
        self.store.record(
            {"start": piece.start, "stop": piece.stop, "group": piece.batch.group, "worker": worker}
            | {key: value for key, value in telemetry.items() if key != "solved"}
        )
        self.progress.restart_steps += telemetry["restart_steps"]
        for segment in self.plan.segments(piece.range):
            index = segment.configuration.index
            tally = self.progress.solved.setdefault(index, [0, 0])
            tally[0] += telemetry["solved"][index]
            tally[1] += segment.stop - segment.start

    def tell(self) -> None:
        """Tell the caller."""
        self.progress.workers = self.slots.total
        self.progress.gpus = self.slots.counts.get("gpu", 0)
        self.progress.elapsed_s = time.monotonic() - self.started
        self.report(self.progress)
