"""Weights and starts as properties of a study."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import pandas as pd

from runner.experiment.plan import Plan
from runner.study import parameters
from runner.study.parameters import ParameterArray
from runner.study.shard_reader import ShardReader
from runner.study.store import Store
from runner.study.tables import plan_tables


class ParameterProperties(ABC):
    """What `runner.study.study.Study` offers of weights and starts."""

    _store: Store

    @property
    @abstractmethod
    def plan(self) -> Plan:
        """What was to be done."""

    @property
    @abstractmethod
    def restarts(self) -> pd.DataFrame:
        """One row per restart."""

    @property
    @abstractmethod
    def _shards(self) -> ShardReader: ...

    @property
    def parameter_names(self) -> list[str]:
        """Columns of `weights`: of all networks of the grid, layer by layer, weights first."""
        return plan_tables.parameter_names(self.plan)

    @cached_property
    def weights(self) -> pd.DataFrame:
        """One row per restart, same index as `restarts`; one column per weight and bias.

        Raises
        ------
        StudyError
            If there are more than 10,000: see `parameters`.

        Notes
        -----
        ``W1[j,i]`` is the weight of unit j of the first layer on input i, ``b1[j]`` its bias, and
        so on layer by layer; missing where a configuration's network has no such parameter.
        """
        return parameters.wide_table(self._shards, self.plan, self._store.where)

    @cached_property
    def starts(self) -> pd.DataFrame:
        """Starting weights of every restart, in the same form as `weights`; redrawn, not stored."""
        parameters.require_narrow(self.plan, self._store.where)
        return plan_tables.starts(self.plan, self.restarts)

    def parameters(
        self, name: str, configuration: int | None = None, *, starts: bool = False
    ) -> ParameterArray:
        """Read one array of parameters, of networks of any size.

        Parameters
        ----------
        name : str
            Such as ``W1`` or ``b1``, or as a custom model declares it.
        configuration : int, optional
            Of whose restarts; by default of all whose network has it, in one shape.
        starts : bool
            Whether to return starting values, drawn again, in place of final ones.

        Returns
        -------
        ParameterArray
            ``values``, of shape ``(n, *shape)``; ``index``, configuration and restart of each.

        Raises
        ------
        StudyError
            If no network has it, or several have it in different shapes.
        """
        where = self._store.where
        return parameters.array(self._shards, self.plan, name, configuration, where, starts=starts)

    def array_lists(self) -> pd.DataFrame:
        """Return final weights with the same index as `restarts`; a column of lists per array."""
        return parameters.list_table(self._shards, self.plan)
