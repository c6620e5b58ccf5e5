"""From an experiment to its configurations and batches.

A plan is a function of the experiment, the tables and models that it names, the engine and the
batch size alone; nothing else is read, and nothing is written. Workers, their number and the order
in which they answer appear nowhere in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment import batch_sizes
from runner.experiment.batches import Batch, Segment
from runner.experiment.configuration import Configuration
from runner.experiment.content_hash import digest
from runner.experiment.experiment import Experiment
from runner.experiment.sources import Sources, stored_models, stored_tables
from runner.network.custom.model import untrusted
from runner.network.signature import Signature


@dataclass(frozen=True)
class Group:
    """Configurations that share one compiled function."""

    configurations: tuple[Configuration, ...]
    """In the order of the grid."""
    batch_size: int
    """Restarts per batch."""


class Plan:
    """All that a sweep has to do.

    Parameters
    ----------
    experiment : Experiment
    engine : str
        A key of `runner.engines.registry.ENGINES`.
    batch_size : int, optional
        Restarts per batch; by default a rule of the experiment alone chooses it per group, see
        `runner.experiment.batch_sizes.batch_size`.
    tables, models : mapping, optional
        Contents of truth tables and models by path: those of a stored plan, for which no other
        file is read.
    trust_model : bool
        Whether the models may be executed, where they are compiled.

    Raises
    ------
    ExperimentError
        If ``batch_size`` is no integer >= 1.
    """

    def __init__(
        self,
        experiment: Experiment,
        engine: str = "pytensor",
        batch_size: int | None = None,
        tables: Mapping[str, Any] | None = None,
        models: Mapping[str, Any] | None = None,
        *,
        trust_model: bool = False,
    ) -> None:
        whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
        if batch_size is not None and not (whole and batch_size >= 1):
            message = f"batch_size is {shown(batch_size)}; expected an integer >= 1."
            raise ExperimentError(message)
        self.experiment = experiment
        self.engine = engine
        self.batch_size = None if batch_size is None else int(batch_size)
        self._sources = Sources(experiment.directory, tables, models, trust_model)

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
        stored = self.canonical()
        arguments = (self.experiment, self.engine, self.batch_size)
        return Plan(*arguments, stored["tables"], stored["models"], trust_model=True)

    @cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """Every point of the grid, in order."""
        configurations = []
        for index, (point, settings) in enumerate(self.experiment.points()):
            table = self._sources.table(settings)
            model = self._sources.model(settings, table)
            configurations.append(Configuration(index, point, settings, table, model))
        return tuple(configurations)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Configurations by signature, in the order of their first members."""
        members: dict[Signature, list[Configuration]] = {}
        for configuration in self.configurations:
            members.setdefault(configuration.signature(), []).append(configuration)
        return tuple(
            Group(tuple(group), self.batch_size or self._rule(signature, group))
            for signature, group in members.items()
        )

    def _rule(self, signature: Signature, group: list[Configuration]) -> int:
        """Return the restarts per batch that the experiment alone asks for."""
        restart_s = max(c.step_s * c.settings.training.max_steps for c in group)
        return batch_sizes.batch_size(signature, restart_s, len(group) * self.experiment.restarts)

    @property
    def n_restarts(self) -> int:
        """Restarts of all configurations."""
        return len(self.configurations) * self.experiment.restarts

    @cached_property
    def n_batches(self) -> int:
        """Number of batches."""
        return sum(-(-self._size(g) // self.groups[g].batch_size) for g in range(len(self.groups)))

    @property
    def n_curves(self) -> int:
        """Restarts of each configuration, from the first on, whose loss curve is recorded."""
        return batch_sizes.n_curves(self.experiment.restarts, len(self.configurations))

    def _size(self, group: int) -> int:
        """Restarts of a group."""
        return len(self.groups[group].configurations) * self.experiment.restarts

    def batches(self) -> Iterator[Batch]:
        """Every batch, group by group."""
        for g, group in enumerate(self.groups):
            for start in range(0, self._size(g), group.batch_size):
                yield Batch(g, start, min(start + group.batch_size, self._size(g)))

    def holds(self, batch: Batch) -> bool:
        """Whether a batch is one of the plan's."""
        if not 0 <= batch.group < len(self.groups):
            return False
        size, most = self._size(batch.group), self.groups[batch.group].batch_size
        begins = 0 <= batch.start < size and batch.start % most == 0
        return begins and batch.stop == min(batch.start + most, size)

    def segments(self, batch: Batch) -> tuple[Segment, ...]:
        """Return the ranges of restarts, configuration by configuration, of a batch."""
        restarts = self.experiment.restarts
        segments = []
        for position in range(batch.start // restarts, -(-batch.stop // restarts)):
            first = position * restarts
            segments.append(
                Segment(
                    self.groups[batch.group].configurations[position],
                    max(batch.start - first, 0),
                    min(batch.stop - first, restarts),
                )
            )
        return tuple(segments)

    def most_s(self, workers: int) -> float:
        """Seconds that a sweep takes if no restart stops early; rough, without start-up."""
        steps = sum(c.step_s * c.settings.training.max_steps for c in self.configurations)
        return steps * self.experiment.restarts / workers

    def canonical(self) -> dict[str, Any]:
        """JSON-ready content of the plan, enough to rebuild it anywhere."""
        models = stored_models(self.configurations)
        # A plan without models does not mention any: it was stored so before there were models.
        return ({"models": models} if models else {}) | {
            "experiment": self.experiment.model_dump(mode="json"),
            "engine": self.engine,
            "batch_size": self.batch_size,
            "batch_sizes": [group.batch_size for group in self.groups],
            "configurations": digest([c.id for c in self.configurations]),
            "curves": self.n_curves,
            "tables": stored_tables(self.configurations),
        }
