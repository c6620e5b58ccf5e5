"""A study as labelled arrays: an xarray dataset, by axis of the grid and restart.

A grid whose every combination was trained has a dimension for each axis; where some are left out,
or beside the grid, there is one dimension, ``configuration``, along which the axes' values lie. Not
every configuration has as many restarts, nor every network each weight: what is not there is NaN.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import tomli_w

from runner.errors import RunnerError, StudyError
from runner.errors.messages import listed, shown
from runner.study import parameters
from runner.study.tables import plan_tables
from runner.training.column_names import plain_name
from runner.training.shards import INDEX, array_columns, describe

if TYPE_CHECKING:
    import xarray as xr

    from runner.experiment.plan import Plan
    from runner.network.architecture import Network
    from runner.study.shard_reader import ShardReader

PACKAGES: Final = ("xarray", "h5netcdf", "h5py", "zarr")
"""What the extra ``xarray`` brings."""

MOST_NUMBERS: Final = 2**28
"""Weights and biases, gaps included, that a dataset holds: 2 GiB in float64."""

_CONFIGURATION, _RESTART = INDEX
_MISSING = {"f": np.nan, "O": ""}
_LAYER = re.compile(r"[Wb](\d+)")

_Variables = dict[str, tuple[tuple[str, ...], np.ndarray]]


def to_xarray(
    plan: Plan,
    restarts: pd.DataFrame,
    shards: ShardReader | None,
    configurations: Collection[int] | None,
    hashes: Mapping[str, str],
    where: str,
) -> xr.Dataset:
    """Return a study's restarts and their final weights as labelled arrays.

    Parameters
    ----------
    plan : Plan
    restarts : DataFrame
        `Study.restarts`.
    shards : ShardReader, optional
        Of the weights; none are returned without it.
    configurations : collection of int, optional
        The only ones to take; by default all.
    hashes : mapping of str to str
        `Study.hashes`.
    where : str
        The study, for messages.

    Returns
    -------
    xarray.Dataset
        A variable for each column of `Study.restarts`, by the grid's axes (``problem_gate``) and
        restart, and one for each array of parameters: ``W1`` further by ``unit1`` and ``input``,
        ``b1`` by ``unit1``, ``W2`` by ``unit2`` and ``unit1``, and so on. If not every combination
        of the axes is there, the first dimension is ``configuration``. What is not there is NaN, as
        text ``""``; integers and bools among which something is missing are float64.

    Raises
    ------
    RunnerError
        If a package of `PACKAGES` is not installed.
    StudyError
        If a configuration is not there, or the weights are more than `MOST_NUMBERS`.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        message = (
            f"arrays: {listed(missing)} {'is' if len(missing) == 1 else 'are'} not installed; "
            "expected what the runner's extra 'xarray' brings. "
            f"Run: python -m pip install {' '.join(PACKAGES)}"
        )
        raise RunnerError(message)
    import xarray as xr

    n = len(plan.configurations)
    if strange := [each for each in configurations or () if each not in range(n)]:
        message = f"configuration is {shown(strange[0])}; expected an integer from 0 to {n - 1:,}."
        raise StudyError(f"{where}: {message}")
    grid = _Grid.of(plan, restarts, configurations)
    variables = _restarts(plan, restarts, grid)
    if shards is not None:
        variables |= _weights(plan, shards, grid, where)
    dataset = xr.Dataset(variables, grid.coordinates())
    said = describe(plan.configurations[0].signature(), {})[b"runner.columns"]
    for name, about in json.loads(said).items():
        if name in dataset.data_vars and "shape" not in about:
            dataset[name].attrs["long_name"] = about["meaning"]
            if "unit" in about:
                dataset[name].attrs["units"] = about["unit"]
    dataset.attrs = {
        "title": plan.experiment.name,
        "experiment": tomli_w.dumps(plan.experiment.model_dump(mode="json")),
        **{f"sha256_{name}": value for name, value in hashes.items()},
    }
    return dataset


@dataclass(frozen=True)
class _Grid:
    """Where the restarts of chosen configurations lie in arrays."""

    dimensions: tuple[str, ...]
    """Of the grid, the restarts' not among them."""
    shape: tuple[int, ...]
    """Places along each."""
    axes: dict[str, np.ndarray]
    """By plain name an axis's values: along its own dimension, or that of all configurations."""
    numbers: np.ndarray
    """(n,) int: the configurations, in the order of their places, the last dimension's fastest."""
    n_restarts: int
    """Restarts of the configuration that has most."""

    @classmethod
    def of(
        cls, plan: Plan, restarts: pd.DataFrame, configurations: Collection[int] | None
    ) -> _Grid:
        table = plan_tables.configurations(plan)
        if configurations is not None:
            table = table.loc[sorted(set(configurations))]
        rows = _chosen(restarts, table.index)
        n_restarts = int(rows.index.get_level_values(_RESTART).max()) + 1 if len(rows) else 0
        columns = {plain_name(axis): table[axis] for axis in plan.experiment.axes}
        codes, levels = [], {}
        for name, column in columns.items():
            code, level = pd.factorize(column.astype(object), use_na_sentinel=False)
            codes.append(code)
            levels[name] = _values(level)
        shape = tuple(map(len, levels.values()))
        places = np.ravel_multi_index(codes, shape) if codes else np.zeros(len(table), int)
        numbers = table.index.to_numpy()
        if prod(shape) == len(numbers) == len(np.unique(places)):
            return cls(tuple(levels), shape, levels, numbers[np.argsort(places)], n_restarts)
        values = {name: _values(column) for name, column in columns.items()}
        return cls((_CONFIGURATION,), (len(numbers),), values, numbers, n_restarts)

    def coordinates(self) -> _Variables:
        """Return the axes, the configurations' numbers and those of the restarts."""
        along = self.axes if self.dimensions == (*self.axes,) else {}
        of_all: _Variables = {
            name: (self.dimensions if name not in along else (name,), values)
            for name, values in self.axes.items()
        }
        of_all[_CONFIGURATION] = (self.dimensions, self.numbers.reshape(self.shape))
        of_all[_RESTART] = ((_RESTART,), np.arange(self.n_restarts))
        return of_all

    def rows(self, index: pd.Index[Any]) -> np.ndarray:
        """Return the place of each restart of an index, grid and restart as one dimension."""
        place = np.empty(self.numbers.max(initial=-1) + 1, np.int64)
        place[self.numbers] = np.arange(len(self.numbers))
        owner, restart = (index.get_level_values(level).to_numpy() for level in INDEX)
        rows: np.ndarray = place[owner] * self.n_restarts + restart
        return rows

    def variable(
        self, values: np.ndarray, dimensions: tuple[str, ...] = ()
    ) -> tuple[tuple[str, ...], np.ndarray]:
        """Return an array by place (grid × restart as one, ...) with all its dimensions."""
        shape = (*self.shape, self.n_restarts, *values.shape[1:])
        return (*self.dimensions, _RESTART, *dimensions), values.reshape(shape)

    def __len__(self) -> int:
        return len(self.numbers) * self.n_restarts


def _restarts(plan: Plan, restarts: pd.DataFrame, grid: _Grid) -> _Variables:
    """Return what `Study.restarts` has, its axes aside."""
    table = _chosen(restarts, grid.numbers).drop(columns=[*plan.experiment.axes])
    places = grid.rows(table.index)
    whole = len(table) == len(grid)
    variables = {}
    for name, column in table.items():
        values = _values(column)
        # no integer and no bool says that it is missing
        kind = values.dtype if whole or values.dtype.kind in "fO" else np.dtype(float)
        placed = np.full(len(grid), _MISSING.get(kind.kind, 0), kind)
        placed[places] = values
        variables[str(name)] = grid.variable(placed)
    return variables


def _weights(plan: Plan, shards: ShardReader, grid: _Grid, where: str) -> _Variables:
    """Return every array of parameters, NaN where a network has no such weight."""
    networks = list(
        dict.fromkeys(plan.configurations[number].architecture for number in grid.numbers)
    )
    shapes = _shapes(networks)
    size = len(grid) * sum(prod(shape) for shape in shapes.values())
    if size > MOST_NUMBERS:
        message = (
            f"{where}: {size:,} weights and biases; expected at most {MOST_NUMBERS:,} in arrays. "
            "Choose configurations, or leave the weights out: study.to_xarray(weights=False)."
        )
        raise StudyError(message)
    dtype = np.result_type(*(plan.configurations[n].signature().dtype for n in grid.numbers))
    placed = {name: np.full((len(grid), *shape), np.nan, dtype) for name, shape in shapes.items()}
    for network, index, arrays in parameters.by_network(shards, plan, grid.numbers):
        rows = grid.rows(index)
        for name, values in zip(array_columns(network), arrays, strict=True):
            corner: tuple[Any, ...] = tuple(map(slice, values.shape[1:]))
            placed[name][rows, *corner] = values
    dimensions = _dimensions(networks, shapes)
    return {name: grid.variable(values, dimensions[name]) for name, values in placed.items()}


def _shapes(networks: Iterable[Network]) -> dict[str, tuple[int, ...]]:
    """Return the smallest shape that holds each array of all networks, by its column."""
    shapes: dict[str, tuple[int, ...]] = {}
    for network in networks:
        for name, shape in zip(array_columns(network), network.parameter_shapes, strict=True):
            known = shapes.get(name, (0,) * len(shape))
            shapes[name] = tuple(map(max, known, shape))
    return shapes


def _dimensions(
    networks: Iterable[Network], shapes: dict[str, tuple[int, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return the names of each array's dimensions.

    ``W1`` is by ``unit1`` and ``input``, ``W2`` by ``unit2`` and ``unit1``, or by ``unit2`` and
    ``input2`` if some network feeds that layer from elsewhere too. Of networks whose layers are
    not known an array ``w`` is by ``w_0``, ``w_1``, ...
    """
    if any(network.as_layers is None for network in networks):
        return {name: tuple(f"{name}_{k}" for k in range(len(s))) for name, s in shapes.items()}
    dimensions = {}
    for name, shape in shapes.items():
        match = _LAYER.fullmatch(name)
        layer = int(match[1]) if match else 0
        source = "input" if layer == 1 else f"unit{layer - 1}"
        if layer > 1 and any(_has_shortcut(network, layer - 1) for network in networks):
            source = f"input{layer}"
        dimensions[name] = (f"unit{layer}", source)[: len(shape)]
    return dimensions


def _has_shortcut(network: Network, layer: int) -> bool:
    """Whether a layer, counted from 0, is fed from elsewhere than by the one before it."""
    net = network.require_layers()
    return layer < len(net.layers) and net.sources(layer) != (layer - 1,)


def _chosen(restarts: pd.DataFrame, numbers: Iterable[int]) -> pd.DataFrame:
    return restarts[restarts.index.isin(numbers, level=_CONFIGURATION)]


def _values(column: Iterable[object]) -> np.ndarray:
    """Return a column as an array of numbers or bools, else of text, ``""`` where it is missing."""
    series = pd.Series(column)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype if series.notna().all() else object)
    series = series.infer_objects()
    values: np.ndarray
    if series.dtype.kind in "biuf" and isinstance(series.dtype, np.dtype):
        values = series.to_numpy()
    elif pd.to_numeric(series, errors="coerce").notna().equals(series.notna()):
        values = series.astype(float).to_numpy()
    else:
        values = series.astype(object).where(series.notna(), "").map(str).to_numpy(object)
    return values
