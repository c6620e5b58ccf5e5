"""Final weights and starts: arrays as they were trained, and tables with a column per weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.errors import StudyError
from runner.errors.messages import listed, printable, shown
from runner.study.matrices import MOST_COLUMNS, listed_numbers, matrix
from runner.study.tables import plan_tables
from runner.training.shards import INDEX, array_columns

if TYPE_CHECKING:
    import pyarrow as pa

    from runner.experiment.configuration import Configuration
    from runner.experiment.plan import Plan
    from runner.network.architecture import Network
    from runner.study.shard_reader import ShardReader


@dataclass(frozen=True, eq=False)
class ParameterArray:
    """One array of parameters of n restarts."""

    name: str
    """Its name, such as ``W1``."""
    values: np.ndarray
    """(n, *shape), the training dtype: NaN where a restart ended without a number."""
    index: pd.MultiIndex
    """Configuration and restart of each of the n."""

    def __len__(self) -> int:
        return len(self.values)


def wide_table(shards: ShardReader, plan: Plan, where: str) -> pd.DataFrame:
    """Return final weights, a column for each of `plan_tables.parameter_names`.

    Raises
    ------
    StudyError
        If that were more than `MOST_COLUMNS`.
    """
    require_narrow(plan, where)
    frames = []
    columns = [name for network in _networks(plan) for name in array_columns(network)]
    for network, table in shards.by_network([*INDEX, *dict.fromkeys(columns)]):
        values = matrix(table, network).T
        frames.append(pd.DataFrame(values, _index(table), network.parameter_names))
    names = plan_tables.parameter_names(plan)
    if not frames:
        return pd.DataFrame(columns=names, index=_empty(), dtype=float)
    whole = frames[0] if len(frames) == 1 else pd.concat(frames)
    return whole.reindex(columns=names).sort_index()


def list_table(shards: ShardReader, plan: Plan) -> pd.DataFrame:
    """Return final weights, a column of lists for each array of parameters."""
    columns = dict.fromkeys(name for network in _networks(plan) for name in array_columns(network))
    frame: pd.DataFrame = shards.read([*INDEX, *columns]).to_pandas()
    return frame.set_index(INDEX)


def by_network(
    shards: ShardReader, plan: Plan, configurations: Iterable[int]
) -> Iterator[tuple[Network, pd.MultiIndex, list[np.ndarray]]]:
    """Yield a network, configuration and restart of n rows, and (n, *shape) of each array."""
    wanted = shards.rows_of(plan.configurations[number] for number in configurations)
    columns = dict.fromkeys(name for network in _networks(plan) for name in array_columns(network))
    for network, table in shards.by_network([*INDEX, *columns], wanted):
        if not len(table):
            continue
        named = zip(array_columns(network), network.parameter_shapes, strict=True)
        arrays = [
            listed_numbers(table, column).reshape(len(table), *shape) for column, shape in named
        ]
        yield network, _index(table), arrays


def n_columns(plan: Plan) -> int:
    """Return how many columns `wide_table` has."""
    return len({name for network in _networks(plan) for name in network.parameter_names})


def require_narrow(plan: Plan, where: str) -> None:
    """Raise StudyError if the plan's networks have more than `MOST_COLUMNS` weights and biases."""
    size = n_columns(plan)
    if size > MOST_COLUMNS:
        arrays = dict.fromkeys(name for network in _networks(plan) for name in network.array_names)
        message = (
            f"{where}: the networks have {size:,} weights and biases; expected at most "
            f"{MOST_COLUMNS:,} for a table with a column for each. Use study.parameters(name), "
            f"name one of {listed(arrays)}, or read shards/ (docs/tables.md)."
        )
        raise StudyError(message)


def array(
    shards: ShardReader,
    plan: Plan,
    name: str,
    configuration: int | None,
    where: str,
    *,
    starts: bool,
) -> ParameterArray:
    """Return one array of parameters of all restarts that have it: see `Study.parameters`."""
    shape, owners = _owners(plan, name, configuration, where)
    wanted = shards.rows_of(owners)
    column = _column(owners[0].architecture, name)
    columns = INDEX if starts else [*INDEX, column]
    parts, index = [], []
    for _, table in shards.by_network(columns, wanted):
        if len(table):
            index.append(_index(table))
            drawn = _starts(plan, name, index[-1]) if starts else listed_numbers(table, column)
            parts.append(drawn.reshape(len(table), *shape))
    if not parts:
        return ParameterArray(name, np.empty((0, *shape)), _empty())
    values, rows = np.concatenate(parts), index[0].append(index[1:])
    order = np.lexsort((rows.get_level_values(1), rows.get_level_values(0)))
    return ParameterArray(name, values[order], rows[order])


def _owners(
    plan: Plan, name: str, configuration: int | None, where: str
) -> tuple[tuple[int, ...], list[Configuration]]:
    """Return the shape of an array, and the configurations that have it."""
    chosen: Sequence[Configuration] = plan.configurations
    if configuration is not None:
        chosen = [c for c in chosen if c.index == configuration]
        if not chosen:
            message = (
                f"{where}: configuration is {shown(configuration)}; expected one of 0 to "
                f"{len(plan.configurations) - 1}, see study.configurations."
            )
            raise StudyError(message)
    owners = [c for c in chosen if name in c.architecture.array_names]
    if not owners:
        known = dict.fromkeys(n for c in chosen for n in c.architecture.array_names)
        message = f"{where}: the array is {shown(name)}; expected one of {listed(known)}."
        raise StudyError(message)
    shapes = dict.fromkeys(_shape(c.architecture, name) for c in owners)
    if len(shapes) > 1:
        first = {
            shape: next(c for c in owners if _shape(c.architecture, name) == shape).index
            for shape in shapes
        }
        text = ", ".join(f"{shape} in configuration {c}" for shape, c in first.items())
        message = (
            f"{where}: {printable(name)} has several shapes ({text}); expected one. Choose with "
            "configuration=."
        )
        raise StudyError(message)
    return next(iter(shapes)), owners


def _starts(plan: Plan, name: str, index: pd.MultiIndex) -> np.ndarray:
    """Return an array's starting values (n, size), drawn again."""
    owner, restart = (index.get_level_values(level).to_numpy() for level in INDEX)
    parts = []
    for number in pd.unique(owner):
        c = plan.configurations[int(number)]
        rows = c.architecture.blocks()[c.architecture.array_names.index(name)][0]
        wanted = restart[owner == number]
        first = int(wanted.min())
        drawn = c.starts(plan.experiment.seed).draw(first, int(wanted.max()) + 1)
        parts.append(drawn[rows, wanted - first].T)
    return np.concatenate(parts)


def _networks(plan: Plan) -> list[Network]:
    return [group.configurations[0].architecture for group in plan.groups]


def _shape(network: Network, name: str) -> tuple[int, ...]:
    return network.parameter_shapes[network.array_names.index(name)]


def _column(network: Network, name: str) -> str:
    return array_columns(network)[network.array_names.index(name)]


def _index(table: pa.Table) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([table[name].to_numpy() for name in INDEX], names=INDEX)


def _empty() -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([np.empty(0, np.int32), np.empty(0, np.int64)], names=INDEX)
