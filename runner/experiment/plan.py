"""From an experiment to its configurations and batches.

A plan is a function of the experiment, the tables and models that it names, the engine, the batch
size and of the plan that it has grown from alone; nothing else is read, and nothing is written.
Workers, their number and the order in which they answer appear nowhere in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment import batch_sizes
from runner.experiment.configuration import Configuration
from runner.experiment.content_hash import digest
from runner.experiment.experiment import Experiment
from runner.experiment.given_starts import check_rows
from runner.experiment.plan_batches import Group, PlanBatches
from runner.experiment.plan_notebook import NotebookPlan
from runner.experiment.roster import Roster
from runner.experiment.rounds import Range, Round, RoundGroup, ranges_between
from runner.experiment.settings import Settings
from runner.experiment.sources import Sources, stored_models, stored_starts, stored_tables
from runner.experiment.truth_tables.truth_table import TruthTable
from runner.network.custom.model import untrusted
from runner.network.signature import Signature


class Plan(PlanBatches, NotebookPlan):
    """All that a sweep has to do.

    Parameters
    ----------
    experiment : Experiment
    engine : str
        A key of `runner.engines.registry.ENGINES`.
    batch_size : int, optional
        Restarts per batch; by default a rule of the experiment alone chooses it per group, see
        `runner.experiment.batch_sizes.batch_size`.
    tables, models, starts : mapping, optional
        Contents of truth tables, models and given starts by path: those of a stored plan, for
        which no other file is read.
    trust_model : bool
        Whether the models may be executed, where they are compiled.
    curves : int, optional
        Restarts of each configuration whose loss curve is recorded; by default what the experiment
        says, else the number of the plan that this one has grown from, else a rule.
    before : Plan, optional
        The plan that this one has grown from: see `grown`.
    added : sequence of Range, optional
        What has been added to it.
    until : mapping of str to float, optional
        The precision that the last round is for, as `runner.precision.until.Until.asked`.

    Raises
    ------
    ExperimentError
        If ``batch_size`` is no integer >= 1, or a number of ``until`` is too small.
    """

    def __init__(
        self,
        experiment: Experiment,
        engine: str = "pytensor",
        batch_size: int | None = None,
        tables: Mapping[str, Any] | None = None,
        models: Mapping[str, Any] | None = None,
        starts: Mapping[str, Any] | None = None,
        *,
        trust_model: bool = False,
        curves: int | None = None,
        before: Plan | None = None,
        added: Sequence[Range] = (),
        until: Mapping[str, float] | None = None,
    ) -> None:
        whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
        if batch_size is not None and not (whole and batch_size >= 1):
            message = f"batch_size is {shown(batch_size)}; expected an integer >= 1."
            raise ExperimentError(message)
        self.experiment = experiment
        self.engine = engine
        self.batch_size = None if batch_size is None else int(batch_size)
        self.before = before
        self._added = tuple(added)
        self.until = dict(until or {})
        if not all(type(n) in (int, float) and 1e-6 <= n <= 1e9 for n in self.until.values()):
            message = f"until is {shown(self.until)}; expected numbers from 1e-6 to 1e9."
            raise ExperimentError(message)
        self._curves = curves
        self._trust_model = trust_model
        contents = (tables, models, starts)
        self._sources = Sources(experiment.directory, *contents, trust_model, experiment.given)

    def trusting(self, trust_model: bool) -> Plan:
        """Return this plan with models that may be executed.

        Raises
        ------
        ExperimentError
            If there are models, and the client did not ask for it.
        """
        models = [c.model for c in self.configurations if c.model is not None]
        if not models:
            return self
        if not trust_model:
            raise untrusted(models[0].name)
        return self._again(self.before, self._added, trust_model=True)

    def grown(self, asked: Plan, restarts: Sequence[int] | None = None) -> Plan:
        """Return this plan with one more round, after which it does what is asked for as well.

        Parameters
        ----------
        asked : Plan
            A plan of one round with every configuration of this one, and perhaps others.
        restarts : sequence of int, optional
            Restarts of each configuration of ``asked`` after the round, none of them fewer than
            before; by default its experiment's.

        Returns
        -------
        Plan
            Its experiment is that of ``asked``. If nothing is added, this plan as it is.

        Raises
        ------
        ExperimentError
            If ``asked`` lacks a configuration, or would have fewer restarts of one.
        """
        after = Roster(asked.configurations, (), self.roster)
        wanted = np.full(len(after.numbers), asked.experiment.restarts)
        if restarts is not None:
            wanted[:] = restarts
        wanted = wanted[after.places]
        if (wanted < after.counts_before).any():
            message = "restarts would become fewer; expected as many as there were, or more."
            raise ExperimentError(message)
        added = ranges_between(after.counts_before, wanted)
        return asked._again(self, added, trust_model=asked._trust_model) if added else self

    def with_restarts(self, restarts: int) -> Plan:
        """Return a plan of one round for so many restarts of each configuration."""
        experiment = self.experiment.model_copy(update={"restarts": restarts})
        return self._again(None, (), trust_model=self._trust_model, experiment=experiment)

    def _again(
        self,
        before: Plan | None,
        added: Sequence[Range],
        *,
        trust_model: bool = False,
        experiment: Experiment | None = None,
    ) -> Plan:
        """Return a plan of the same contents; no file is read."""
        return Plan(
            experiment or self.experiment,
            self.engine,
            self.batch_size,
            stored_tables(self.configurations),
            stored_models(self.configurations),
            stored_starts(self.configurations),
            trust_model=trust_model,
            curves=self._curves,
            before=before,
            added=added,
            until=self.until,
        )

    @cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """Every point of the grid, in order."""
        configurations = []
        for index, (point, settings) in enumerate(self.experiment.points()):
            table = self._table(settings)
            model = self._sources.model(settings, table)
            c = Configuration(index, point, settings, table, model)
            given = self._sources.given(settings, c.architecture)
            configurations.append(replace(c, given=given) if given is not None else c)
        check_rows(self.experiment.name, self.experiment.restarts, configurations)
        return tuple(configurations)

    def _table(self, settings: Settings) -> TruthTable:
        try:
            return self._sources.table(settings)
        except ExperimentError as error:
            raise ExperimentError(self.experiment.explained(str(error))) from error

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Configurations by signature, in the order of their first members."""
        members: dict[Signature, list[Configuration]] = {}
        known: dict[tuple[int, ...], list[Configuration]] = {}
        for configuration in self.configurations:
            parts = configuration.parts_of_signature()
            if parts not in known:
                known[parts] = members.setdefault(configuration.signature(), [])
            known[parts].append(configuration)
        return tuple(Group(tuple(group)) for group in members.values())

    @property
    def trusts_models(self) -> bool:
        """Whether there are models that may be executed."""
        return self._trust_model and any(c.model is not None for c in self.configurations)

    def is_part_of(self, other: Plan) -> bool:
        """Whether another plan has every configuration of this one."""
        return self.roster.is_part_of(other.roster)

    @cached_property
    def roster(self) -> Roster:
        """The configurations by number, and how many restarts each has."""
        if self.before is not None:
            return Roster(self.configurations, self._added, self.before.roster)
        everything = Range(0, len(self.configurations), 0, self.experiment.restarts)
        return Roster(self.configurations, (everything,))

    @property
    def numbers(self) -> np.ndarray:
        """Number of each configuration, (n,) int64, under which shards hold it; see `Roster`."""
        return self.roster.numbers

    @cached_property
    def counts(self) -> np.ndarray:
        """Restarts of each configuration, (n,) int64, in the order of the grid."""
        counts: np.ndarray = self.roster.counts[self.numbers]
        if (counts > self.experiment.restarts).any():
            message = "a configuration has more restarts than are asked for; expected no more."
            raise ExperimentError(message)
        return counts

    @cached_property
    def counts_before(self) -> np.ndarray:
        """The same before the last round."""
        counts: np.ndarray = self.roster.counts_before[self.numbers]
        return counts

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """What was asked for together, in the order in which it was."""
        earlier = () if self.before is None else self.before.rounds
        added = self.counts - self.counts_before
        members = [[c for c in group.configurations if added[c.index]] for group in self.groups]
        groups = tuple(self._round_group(each) for each in members if each)
        return (*earlier, Round(len(earlier), groups))

    def _round_group(self, members: list[Configuration]) -> RoundGroup:
        """Return what the last round adds to configurations of one signature."""
        places = np.array([c.index for c in members])
        starts, stops = self.counts_before[places], self.counts[places]
        restart_s = max(c.step_s * c.settings.training.max_steps for c in members)
        n_restarts = int((stops - starts).sum())
        rule = batch_sizes.batch_size(members[0].signature(), restart_s, n_restarts)
        return RoundGroup(self.numbers[places], starts, stops, self.batch_size or rule)

    @cached_property
    def curves(self) -> int:
        """Of how many restarts of each configuration, from the first on, the curve is recorded."""
        if self.experiment.curves is not None:
            return self.experiment.curves
        if self.before is not None:
            return self.before.curves
        return (
            batch_sizes.curves(len(self.configurations)) if self._curves is None else self._curves
        )

    @property
    def n_curves(self) -> int:
        """Restarts of each configuration, from the first on, whose loss curve is recorded."""
        return min(self.experiment.restarts, self.curves)

    def most_s(self, workers: int, restarts: np.ndarray | None = None) -> float:
        """Seconds that restarts take if none stops early; rough, without start-up.

        Parameters
        ----------
        workers : int
        restarts : ndarray of int, shape (n,), optional
            Of each configuration; by default those of the last round.
        """
        added = (self.counts - self.counts_before if restarts is None else restarts).tolist()
        each = (c.step_s * c.settings.training.max_steps for c in self.configurations)
        return float(sum(n * s for n, s in zip(added, each, strict=True))) / workers

    def canonical(self) -> dict[str, Any]:
        """JSON-ready content: with the plan it has grown from enough to rebuild it anywhere."""
        # A plan without models or given starts does not mention any: it was stored so before.
        kinds = {
            "models": stored_models(self.configurations),
            "starts": stored_starts(self.configurations),
        }
        added = [each.canonical() for each in self._added]
        return (
            {kind: stored for kind, stored in kinds.items() if stored}
            | ({"added": added} if self.before is not None else {})
            | ({"until": self.until} if self.until else {})
            | {
                "experiment": self.experiment.model_dump(mode="json"),
                "engine": self.engine,
                "batch_size": self.batch_size,
                "batch_sizes": [group.batch_size for group in self.rounds[-1].groups],
                "configurations": digest([c.id for c in self.configurations]),
                "curves": self.curves,
                "tables": stored_tables(self.configurations),
            }
        )
