"""What workers run to train batches, and how much work that is; known from the plan alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from runner.dispatch.dispatcher import Piece
from runner.dispatch.staged_training import StagedTraining, packed_call
from runner.dispatch.stored_training import StoredTraining
from runner.dispatch.tasks.in_flight import Call
from runner.experiment.batches import Batch, Segment
from runner.experiment.plan import Plan
from runner.study.objects.worker_shards import WorkersPlace
from runner.study.staging import Staging
from runner.training.worker import Task, Trained, pilot, train_batch, train_batches

_CANARY_RESTARTS = 16
_CANARY_STEPS = 100


@dataclass(frozen=True)
class HashedTraining:
    """Trains a batch that is only to be compared."""

    train: Callable[[Task], Trained]
    """Trains it."""

    def __call__(self, task: Task) -> str:
        """Return the shard's SHA-256, in hexadecimal; on a worker."""
        return hashlib.sha256(self.train(task).shard).hexdigest()


@dataclass(frozen=True)
class _Bounds:
    """The most that a task of one group on one kind of device may have to do."""

    n_lanes: int
    """Lanes that are computed together, filled or not."""
    max_steps: int
    """Steps of a restart."""
    step_s: float
    """Seconds per step of one restart, as far as is known beforehand."""


class TrainingTasks:
    """Makes the tasks of one plan.

    Parameters
    ----------
    plan : Plan
    staging : Staging, optional
        Where workers write shards, if they do.
    place : WorkersPlace, optional
        Where in an object store they write whole shards, if they do.
    """

    def __init__(
        self, plan: Plan, staging: Staging | None = None, place: WorkersPlace | None = None
    ) -> None:
        self._plan = plan
        self._staging = staging
        self._place = place
        self._bounds = cache(self._group_bounds)

    def pieces(
        self, pieces: Sequence[Piece], whole: Batch, device: str, known: frozenset[str]
    ) -> Call:
        """Train a piece, or several batches together that make up ``whole``.

        ``known`` are digests of programs that a worker need not send once more, where it may.
        """
        if len(pieces) == 1:
            call = Call(train_batch, (self._task(whole, device),))
        else:
            sizes = [piece.stop - piece.start for piece in pieces]
            call = Call(train_batches, (self._task(whole, device), sizes))
        if self._place is not None and all(piece.range == piece.batch for piece in pieces):
            batches = tuple(piece.batch for piece in pieces)
            stored = StoredTraining(call.function, self._place, batches, known)
            return packed_call(Call(stored, call.arguments))
        if self._staging is None:
            return call
        names = tuple(piece.range.name for piece in pieces)
        staged = StagedTraining(call.function, self._staging, names, known)
        return packed_call(Call(staged, call.arguments))

    def audit(self, batch: Batch, device: str) -> Call:
        """Train a batch once more, to compare."""
        return Call(HashedTraining(train_batch), (self._task(batch, device),))

    def canary_batch(self, batch: Batch) -> Batch:
        """Return the few restarts of a batch's group that are a canary."""
        return batch.part(0, min(_CANARY_RESTARTS, len(self._plan.round_group(batch))))

    def canary(self, batch: Batch, device: str) -> Call:
        """Train a canary: few restarts, for few steps."""
        task = self._task(batch, device)
        segments = tuple(
            replace(segment, configuration=segment.configuration.shortened(_CANARY_STEPS))
            for segment in task.segments
        )
        return Call(HashedTraining(train_batch), (replace(task, segments=segments, n_curves=0),))

    def pilot(self, segments: Sequence[Segment], device: str) -> Call:
        """Train restarts of several configurations of a group, for what they cost."""
        return Call(pilot, (self._of(tuple(segments), device, n_curves=0),))

    def batches_that_fill(self, batch: Batch, device: str) -> int:
        """Return how many batches of a batch's group the lanes of a device hold, at least one."""
        size = self._plan.round_group(batch).batch_size
        return max(1, self._bounds(batch.part(0, 1), device).n_lanes // size)

    def most_work(self, batch: Batch, device: str) -> tuple[int, float]:
        """Return the most steps of lanes that a batch may need, and a guess of the seconds."""
        bounds = self._bounds(batch.part(0, 1), device)
        # lanes that are not filled are computed all the same
        n_lanes = bounds.n_lanes * -(-len(batch) // bounds.n_lanes)
        steps = n_lanes * bounds.max_steps
        return steps, steps * bounds.step_s

    def _task(self, batch: Batch, device: str) -> Task:
        return self._of(self._plan.stored_segments(batch), device, self._plan.n_curves)

    def _of(self, segments: tuple[Segment, ...], device: str, n_curves: int) -> Task:
        seed, engine = self._plan.experiment.seed, self._plan.engine
        return Task(segments, seed, engine, n_curves, device)

    def _group_bounds(self, batch: Batch, device: str) -> _Bounds:
        configurations = self._plan.members(batch)
        return _Bounds(
            configurations[0].signature(device).n_lanes,
            max(c.settings.training.max_steps for c in configurations),
            max(c.step_s for c in configurations),
        )
