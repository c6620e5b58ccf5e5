"""The rounds of a study that is to become precise, one after the other.

What a round adds follows from the restarts that are committed, and from nothing else: so the same
command ends in the same bytes, on any workers, interrupted or not. A round is decided when its file
is written, and a sweep first ends the round that it finds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from runner.cluster.connections import Connections
from runner.dispatch.fault_policy import FaultPolicy
from runner.dispatch.progress import ProgressCallback
from runner.dispatch.sweep import device_of, train
from runner.errors import ExperimentError
from runner.errors.messages import counted
from runner.experiment.plan import Plan
from runner.experiment.roster import Roster
from runner.precision.next_round import fitting, following
from runner.precision.targets.registry import targets
from runner.precision.until import Until
from runner.study.growth import planned, require_same_code
from runner.study.objects.url_copy import Workplace
from runner.study.store import Store

if TYPE_CHECKING:
    from runner.study.study import Study

FIRST = 256
"""Restarts of each configuration in the first round where only a time is given."""

_MOST_ENDPOINTS = 2_000_000  # of a study that are analysed for its classes


class Rounds:
    """Grows a study until it is precise, its restarts are used up, or the time is over.

    Parameters
    ----------
    place : Workplace
        Of the study.
    asked : Plan
        With the most restarts that a configuration may have.
    until : Until
    connections, faults, report
        As for `runner.dispatch.sweep.train`.

    Raises
    ------
    ExperimentError
        If starts are on a grid, which is no random sample, or a target has nothing to be of.
    """

    def __init__(
        self,
        place: Workplace,
        asked: Plan,
        until: Until,
        connections: Connections,
        faults: FaultPolicy,
        report: ProgressCallback | None = None,
    ) -> None:
        if any(c.settings.init.slice is not None for c in asked.configurations):
            message = (
                "init.distribution is 'slice'; expected random starts with until (--until, --for). "
                "Leave these out: of a grid of starts all are trained."
            )
            raise ExperimentError(message)
        self._place = place
        self._store = Store(place.path)
        self._asked = asked
        self._targets = targets(until)
        for target in self._targets:
            target.check(asked)
        self._for_s = until.for_s
        self._connections = connections
        self._faults = faults
        self._report = report
        self._begun_s = time.monotonic()
        self._trained, self._training_s = 0, 0.0

    @property
    def first(self) -> int:
        """Restarts of a configuration that is new."""
        most = self._asked.experiment.restarts
        return min(most, max([target.first() for target in self._targets], default=FIRST))

    def run(self, overwrite: bool = False) -> None:
        """Train round by round."""
        if overwrite or not self._store.exists:
            study = self._train(self._asked.with_restarts(self.first), overwrite=overwrite)
        else:
            study = self._train(self._asked, self._as_it_is())
        while (restarts := self._next(study)) is not None:
            study = self._train(self._asked, restarts)

    @property
    def rule(self) -> str:
        """What is done, in words."""
        most = counted(self._asked.experiment.restarts, "restart")
        until = " and ".join(target.title for target in self._targets)
        if self._for_s is not None:
            until += f"{', or ' if until else ''}for {self._for_s:g} s"
        return (
            f"Until {until}: rounds of restarts, {self.first:,} of each configuration in the "
            f"first; then each gets what it still needs, at most as many as it has, up to {most}."
        )

    def upcoming(self, overwrite: bool = False) -> Plan | None:
        """Return the plan whose last round would be trained next; None if none would.

        Raises
        ------
        StudyError
            If that follows from an analysis that is not there.
        """
        if overwrite or not self._store.exists:
            return self._asked.with_restarts(self.first)
        plan = self.as_stored()
        if len(plan.rounds) > self._store.n_rounds or self._store.remaining(plan):
            return plan
        from runner.study.study import Study

        restarts = self._next(Study(self._store.path), analysed=True)
        if restarts is None:
            return None
        device = device_of(self._asked, self._connections.cluster)
        return planned(self._store, self._asked, device, restarts)

    def as_stored(self) -> Plan:
        """Return the plan of the study that is there, new configurations in their first round.

        Raises
        ------
        StudyError
            If a sweep would refuse to go on with it.
        """
        device = device_of(self._asked, self._connections.cluster)
        plan = planned(self._store, self._asked, device, self._as_it_is())
        if self._store.remaining(plan):
            require_same_code(self._store, plan)
        return plan

    def _train(
        self, plan: Plan, restarts: Sequence[int] | None = None, *, overwrite: bool = False
    ) -> Study:
        before, begun_s = 0 if overwrite else self._done(), time.monotonic()
        how = (self._connections, self._faults, self._report)
        stored = self._place.stored
        train(self._store, plan, *how, overwrite=overwrite, restarts=restarts, stored=stored)
        self._place.bring_in()  # what follows is computed from all of it
        # not before: pandas takes as long to load as a kept function to start training
        from runner.study.study import Study

        study = Study(self._store.path)
        self._trained += study.n_done - before
        self._training_s += time.monotonic() - begun_s
        return study

    def _done(self) -> int:
        return sum(len(commit.batch) for commit in self._store.commits())

    def _as_it_is(self) -> list[int] | None:
        """Restarts of each configuration in the study, new ones in their first round.

        None, for all of them, where the study has others, so that it is refused.
        """
        stored = self._store.read_plan()[0]
        if not stored.is_part_of(self._asked):
            return None
        after = Roster(self._asked.configurations, (), stored.roster)
        there = after.counts_before[after.numbers]
        restarts: list[int] = np.where(there > 0, there, self.first).tolist()
        return restarts

    def _next(self, study: Study, *, analysed: bool = False) -> list[int] | None:
        """Restarts of each configuration after the next round; None if there is none."""
        left_s = None
        if self._for_s is not None:
            left_s = self._for_s - (time.monotonic() - self._begun_s)
            if left_s <= 0:
                return None
        if not analysed and any(target.analysed for target in self._targets):
            study = self._analysed(study)
        counts = study.plan.counts
        needs = [target.need(study) for target in self._targets]
        wanted = following(counts, needs, self._asked.experiment.restarts)
        if left_s is not None and self._trained:
            wanted = fitting(counts, wanted, self._trained / self._training_s * left_s)
        if (wanted == counts).all():
            return None
        after = Roster(self._asked.configurations, (), study.plan.roster)
        by_number = np.zeros_like(wanted)
        by_number[study.plan.numbers] = wanted
        restarts: list[int] = by_number[after.numbers].tolist()
        return restarts

    def _analysed(self, study: Study) -> Study:
        from runner.landscape.analysis import analyze
        from runner.landscape.options import AnalysisOptions

        # classes alone: no paths between them
        options = AnalysisOptions(endpoints=_MOST_ENDPOINTS, pairs=0, representatives=1)
        device = device_of(self._asked, self._connections.cluster)
        return analyze(
            study,
            self._connections.client(device),
            trust_model=self._asked.trusts_models,
            analysis=options,
            cluster=self._connections.cluster,
        )
