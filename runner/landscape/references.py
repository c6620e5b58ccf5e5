"""Given weights as reference points, evaluated by the same symbolic network as endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from runner.engines.base import Evaluation
from runner.engines.registry import compiled, trace
from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.configuration import Configuration
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Plan
from runner.network.signature import Signature
from runner.study.study import Study
from runner.training.evaluation import evaluate, gradients_of
from runner.training.labels import label
from runner.training.restarts import Restarts
from runner.training.shards import INDEX


def reference(
    source: Study | Experiment | Mapping[str, Any] | str | Path,
    weights: Mapping[str, float] | Sequence[float],
    configuration: int = 0,
    name: str = "reference",
    *,
    trust_model: bool = False,
) -> Reference:
    """Put given weights into the network of one configuration.

    Parameters
    ----------
    source : Study, Experiment, mapping, str or Path
        A study, or an experiment, its content or its TOML file.
    weights : mapping of str to float, or sequence of float
        By the names of the columns of `Study.weights`, or in their order.
    configuration : int
        Position in the grid.
    name : str
        Stands for the number of the restart in tables.
    trust_model : bool
        Whether a ``network.model`` may be executed.

    Returns
    -------
    Reference

    Raises
    ------
    ExperimentError
        If there is no such configuration, its model is not trusted, or the weights are not finite
        numbers, one for each weight and bias of its network.
    """
    if isinstance(source, Study):
        plan = source.plan
    else:
        plan = Plan(source if isinstance(source, Experiment) else load_experiment(source))
    plan = plan.trusting(trust_model)
    n, position = len(plan.configurations), cast(object, configuration)
    if not isinstance(position, int | np.integer) or not 0 <= position < n:
        state = f"configuration is {shown(configuration)}"
        message = f"{plan.experiment.name}: {state}; expected an integer from 0 to {n - 1:,}."
        raise ExperimentError(message)
    owner = plan.configurations[int(position)]
    names = owner.architecture.parameter_names
    where = f"configuration {configuration} of {plan.experiment.name}"
    if not isinstance(weights, Mapping):
        if not hasattr(weights, "__len__") or len(weights) != len(names):
            count = f"{len(weights):,}" if hasattr(weights, "__len__") else shown(weights)
            message = f"{where}: {count} weights are given; expected {_some(names)}."
            raise ExperimentError(message)
        weights = dict(zip(names, weights, strict=True))
    if set(weights) != set(names):
        message = f"{where}: the weights given are {_some(weights)}; expected {_some(names)}."
        raise ExperimentError(message)
    values = np.array([_number(weights[name], f"{where}: {name}") for name in names])
    return Reference(plan.engine, owner, values, name)


def _some(names: Iterable[object]) -> str:
    """List the first names."""
    every = [shown(name) for name in names]
    more = f" and {len(every) - 20:,} more" if len(every) > 20 else ""
    return ", ".join(every[:20]) + more


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number):
        message = f"{where} is {shown(value)}; expected a finite number."
        raise ExperimentError(message)
    return number


class Reference:
    """Given weights in one configuration's network; made by `reference`."""

    def __init__(
        self, engine: str, configuration: Configuration, weights: np.ndarray, name: str
    ) -> None:
        self.engine = engine
        self.configuration = configuration
        self.weights = weights
        self.name = name

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """One row per pattern: pre-activation and output of every unit.

        Columns
        -------
        x1, x2, … : inputs
        z1[0], a1[0], z1[1], … : pre-activation and output of each unit of layer 1; and so on; of
            a custom model a1[0], a1[1], … only: its outputs
        y1, … : targets
        """
        table = self.configuration.table
        columns: dict[str, list[float]] = {}
        for i, values in enumerate(table.inputs.T, start=1):
            columns[f"x{i}"] = values.tolist()
        if self.configuration.architecture.as_layers is None:
            seen = self._evaluated[2].outputs.reshape(table.n_patterns, table.n_outputs)
            columns |= {f"a1[{o}]": values.tolist() for o, values in enumerate(seen.T)}
        else:
            self._trace(columns)
        for i, values in enumerate(table.targets.T, start=1):
            columns[f"y{i}"] = values.tolist()
        return pd.DataFrame(columns, index=pd.RangeIndex(table.n_patterns, name="pattern"))

    def _trace(self, columns: dict[str, list[float]]) -> None:
        """Add columns with pre-activation and output of every unit."""
        found = trace(self.engine, self.configuration.signature(), self.weights[:, np.newaxis])
        for layers in found:
            for number, (z, a) in enumerate(layers, start=1):
                for unit in range(len(z)):
                    columns.setdefault(f"z{number}[{unit}]", []).append(float(z[unit, 0]))
                    columns.setdefault(f"a{number}[{unit}]", []).append(float(a[unit, 0]))

    @cached_property
    def _evaluated(self) -> tuple[Signature, Restarts, Evaluation]:
        """The weights as the only restart of a signature, and the evaluation there."""
        signature = replace(self.configuration.signature(), n_lanes=1, n_steps=1, shuffled=False)
        training = self.configuration.settings.training
        restarts = Restarts(
            starts=self.weights[:, np.newaxis],
            hyper=self.configuration.hyper[:, np.newaxis],
            targets=self.configuration.table.targets.reshape(1, -1),
            table=np.zeros(1, int),
            max_steps=np.array([training.max_steps], np.int32),
            traced=np.zeros(1, bool),
        )
        state = signature.state.start(restarts.starts, restarts.hyper[0])
        return signature, restarts, evaluate(compiled(self.engine, signature), state, restarts)

    @cached_property
    def endpoint(self) -> pd.DataFrame:
        """One row as in `Study.restarts`, the weights after it; index (configuration, name).

        ``steps`` is 0. Join it to the trained ones with
        ``pandas.concat([study.restarts.join(study.weights), reference.endpoint])``.
        """
        signature, restarts, seen = self._evaluated
        solved = seen.solved & np.isfinite(seen.loss)
        state = signature.state.start(restarts.starts, restarts.hyper[0])
        functions = compiled(self.engine, signature)
        verdict = label(
            signature,
            restarts.starts,
            solved,
            restarts.targets.T,
            restarts.max_steps,
            seen,
            gradients_of(functions, state, restarts.hyper, restarts.targets.T),
        )
        row = {
            **self.configuration.point,
            "label": verdict.label,
            "solved": solved,
            "steps": np.zeros(1, np.int32),
            "loss": seen.loss,
            "gradient_norm": np.abs(seen.gradient).max(axis=0),
            "weight_norm": np.linalg.norm(restarts.starts, axis=0),
            "level": verdict.level,
            **dict(zip(signature.architecture.parameter_names, restarts.starts, strict=True)),
        }
        index = pd.MultiIndex.from_tuples([(self.configuration.index, self.name)], names=INDEX)
        cells = {column: [_cell(value)] for column, value in row.items()}
        return pd.DataFrame(cells, index=index)


def _cell(value: Any) -> Any:
    """A single value: an array's only one, or a grid's, lists as text as in `Study.restarts`."""
    if isinstance(value, np.ndarray):
        return value[0]
    return str(list(value)) if isinstance(value, list | tuple) else value
