"""Pilot tasks: a few restarts of every configuration, trained first to foretell a run's time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from runner.dispatch.tasks.auxiliary import AuxiliaryTask
from runner.experiment.batches import Batch, Segment
from runner.experiment.plan import Plan

_LONG_S = 10.0  # of a group on one worker, if none stops early: less needs no foretelling
_SHARE = 64  # one restart in so many, as what a pilot trains is trained again in its batch
_MOST_EACH = 256  # restarts of a configuration: its mean steps within a tenth or so
_MOST = 8192  # restarts of a pilot: one task, that no worker is long at


@dataclass(frozen=True, eq=False)
class PilotTask(AuxiliaryTask):
    """The first restarts of every configuration of a group, for their steps alone.

    Where restarts stop early, one configuration may cost a hundred times as much as its neighbour,
    and in a large study each has a batch of its own: no batch that is done tells of another.
    """

    segments: tuple[Segment, ...]
    """What it trains."""
    urgent = True  # the sooner what is dearest is known, the better

    @property
    def name(self) -> str:
        """For Dask's name of the task."""
        return f"pilot-{self.batch.name}"

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return all of them."""
        return addresses


def pilot_tasks(plan: Plan, left: Iterable[Batch]) -> Iterator[PilotTask]:
    """Return the pilot tasks of what is left, for CPUs."""
    begun: dict[tuple[int, int], Batch] = {}
    n_left: dict[tuple[int, int], int] = {}
    for batch in left:
        begun.setdefault(batch.group_of_round, batch)
        n_left[batch.group_of_round] = n_left.get(batch.group_of_round, 0) + len(batch)
    for key, batch in begun.items():
        first, n_members = plan.first_member(batch), len(plan.round_group(batch).numbers)
        restart_s = first.step_s * first.settings.training.max_steps
        each = min(_MOST_EACH, n_left[key] // (_SHARE * n_members), _MOST // n_members)
        stops = any(first.signature().stops)
        if n_members > 1 and stops and each and restart_s * n_left[key] > _LONG_S:
            whole = plan.stored_segments(batch.part(0, len(plan.round_group(batch))))
            segments = tuple(replace(s, stop=min(s.stop, s.start + each)) for s in whole)
            n_restarts = sum(s.stop - s.start for s in segments)
            yield PilotTask("cpu", batch.part(0, n_restarts), segments)
