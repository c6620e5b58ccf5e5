"""From an experiment to its configurations and batches.

A plan is a function of the experiment, the tables and models that it names, the engine and the
batch size alone; nothing else is read, and nothing is written. Workers, their number and the order
in which they answer appear nowhere in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.experiment import Experiment
from runner.experiment.problems import TruthTable
from runner.experiment.settings import Settings
from runner.network.architecture import Architecture, LossKind
from runner.network.model import Model, make_model, read_source, untrusted
from runner.network.optimizers import OPTIMIZERS
from runner.network.starts import Starts
from runner.network.step import HYPERPARAMETERS, Signature

CURVES_PER_CONFIGURATION = 200
"""Restarts per configuration whose loss curve is recorded, where a study has few configurations."""
_MAX_CURVES = 20_000  # per study

_BATCHES_PER_GROUP = 16  # aim: enough for a few workers, few enough that lanes are refilled often
_BATCH_S = 10.0  # longest a CPU should need for a batch in which no restart stops early
_SHARD_BYTES = 2**23  # largest shard before compression: client and workers hold several at once
_ROW_BYTES = 64  # of a shard, beside the weights
_PRODUCT_S = 2.5e-10  # seconds per weight, pattern and step of one lane in float32 on one CPU core
# Products per step up to which every weight is on its own. Above, SIMD code of matrices is as fast
# and there long before (other engines on CPUs compile sooner, too); on a GPU small matrices are
# slow, and the limit is what can be compiled.
_MAX_UNROLLED = {"cpu": 100, "gpu": 800}


@dataclass(frozen=True)
class Configuration:
    """One point of the grid."""

    index: int
    """Position in the order of the experiment's grid."""
    point: Mapping[str, Any]
    """The grid's values here, by dotted path."""
    settings: Settings
    """Every setting."""
    table: TruthTable
    """The truth table that is learned."""
    model: Model | None = None
    """A user's own network and loss, in place of layers."""

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits of a hash of the settings and the contents of the files."""
        content = self.settings.canonical() | {"truth_table": self.table.canonical()}
        if self.model is not None:
            content |= {"model": self.model.canonical()}
        return digest(content)[:12]

    @cached_property
    def architecture(self) -> Architecture:
        """The network that is trained."""
        if self.model is not None:
            return self.model
        network = self.settings.network
        return Architecture(
            self.table.n_inputs,
            tuple(network.hidden),
            self.table.n_outputs,
            network.activation,
            network.output,
            network.skip,
        )

    def starts(self, seed: int) -> Starts:
        """Return the stream of starting weights under a root seed."""
        init = self.settings.init
        return Starts(seed, self.architecture, init.distribution, init.scale, init.slice)

    @cached_property
    def hyper(self) -> np.ndarray:
        """Hyperparameters (5,) float64 in the order of `HYPERPARAMETERS`."""
        training = self.settings.training
        values = training.model_dump() | {"l2": self.settings.loss.l2}
        return np.array([float(values[name]) for name in HYPERPARAMETERS])

    def shortened(self, max_steps: int) -> Configuration:
        """Return the configuration with at most this many steps: the same compiled function."""
        training = self.settings.training
        fewer = training.model_copy(update={"max_steps": min(max_steps, training.max_steps)})
        return replace(self, settings=self.settings.model_copy(update={"training": fewer}))

    def signature(self, device: str = "cpu") -> Signature:
        """What has to be compiled to train this configuration on a kind of device."""
        training, loss = self.settings.training, self.settings.loss
        products = self.table.n_patterns * self.architecture.n_parameters
        by_weight = OPTIMIZERS[training.optimizer].by_pattern or self.model is not None
        layout = "lanes" if products <= _MAX_UNROLLED[device] or by_weight else "stacked"
        own = LossKind("model", "sum")
        return Signature(
            architecture=self.architecture,
            patterns=tuple(tuple(float(x) for x in row) for row in self.table.inputs),
            middles=tuple(0.0 if np.isnan(m) else float(m) for m in self.table.middles),
            tolerances=tuple(float(t) for t in self.table.tolerances),
            loss=LossKind(loss.kind, loss.reduction) if self.model is None else own,
            regularised=loss.l2 > 0,
            optimizer=training.optimizer,
            stop_solved=training.stop_solved,
            stop_loss=training.stop_loss > 0,
            stop_gradient=training.stop_gradient > 0,
            dtype=training.dtype,
            layout=layout,
            n_lanes=_n_lanes(layout, products, device),
            n_steps=100,
        )

    @property
    def step_s(self) -> float:
        """Rough seconds that one step of one restart takes on one CPU core."""
        width = 2 if self.settings.training.dtype == "float64" else 1
        return _PRODUCT_S * width * self.table.n_patterns * self.architecture.n_parameters


def _n_lanes(layout: str, products: int, device: str) -> int:
    """Lanes of one call: all of a step's vectors in cache on a CPU, enough to fill a GPU."""
    if device == "gpu":
        size = 2**17 if layout == "lanes" else 2**14
        return max(256, size // max(1, products // 64))
    if layout == "lanes":
        return 1024
    # the power of two that is nearest to what keeps products * lanes constant
    return int(2 ** np.clip(round(17 - np.log2(products)), 4, 7))


@dataclass(frozen=True)
class Segment:
    """A range of one configuration's restarts."""

    configuration: Configuration
    """Whose restarts."""
    start: int
    """First restart."""
    stop: int
    """One past the last restart."""


@dataclass(frozen=True, order=True)
class Batch:
    """A contiguous range of a group's restarts: what one Dask task trains and one shard holds."""

    group: int
    """The group of configurations that share a signature."""
    start: int
    """First position in the group's restarts, its configurations one after the other."""
    stop: int
    """One past the last position."""

    @property
    def name(self) -> str:
        """Names the batch in files, logs and messages."""
        return f"{self.group:04d}/{self.start:012d}-{self.stop:012d}"

    def __len__(self) -> int:
        return self.stop - self.start


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
        Restarts per batch; by default a rule of the experiment alone chooses it per group.
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
            message = f"--batch-size is {shown(batch_size)}; expected an integer >= 1."
            raise ExperimentError(message)
        self.experiment = experiment
        self.engine = engine
        self.batch_size = None if batch_size is None else int(batch_size)
        self._tables = tables
        self._models = models or {}
        self._trust_model = trust_model

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
        tables: dict[Any, TruthTable] = {}
        configurations = []
        for index, (point, settings) in enumerate(self.experiment.points()):
            rule = settings.training.optimizer
            key = (settings.problem, settings.network, settings.loss.kind, rule == "perceptron")
            if key not in tables:
                tables[key] = self._table(settings)
            model = self._model(settings, tables[key])
            configurations.append(Configuration(index, point, settings, tables[key], model))
        return tuple(configurations)

    def _model(self, settings: Settings, table: TruthTable) -> Model | None:
        name = settings.network.model
        if name is None:
            return None
        if name not in self._models and self._tables is None:
            text = read_source(name, self.experiment.directory)
            self._models = {**self._models, name: {"source": text}}
        text = self._models[name]["source"]
        model = make_model(name, text, table.n_inputs, table.n_outputs, trusted=self._trust_model)
        grid = settings.init.slice
        if grid is not None and (rules := grid.problems(model.parameter_names)):
            texts = [f"{name}: init is a slice; expected {rule}." for rule in rules]
            raise ExperimentError("\n".join(texts))
        return model

    def _table(self, settings: Settings) -> TruthTable:
        if self._tables is None or settings.problem.table is None:
            return settings.truth_table(self.experiment.directory)
        stored = self._tables[_table_key(settings)]
        middles = [np.nan if m is None else m for m in stored["middles"]]
        return TruthTable(**(stored | {"middles": np.array(middles)}))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Configurations by signature, in the order of their first members."""
        members: dict[Signature, list[Configuration]] = {}
        for configuration in self.configurations:
            members.setdefault(configuration.signature(), []).append(configuration)
        return tuple(
            Group(tuple(group), self.batch_size or self._batch_size(signature, group))
            for signature, group in members.items()
        )

    def _batch_size(self, signature: Signature, group: list[Configuration]) -> int:
        """Restarts per batch: see the constants at the top of the file."""
        restarts = len(group) * self.experiment.restarts
        restart_s = max(c.step_s * c.settings.training.max_steps for c in group)
        width = 4 if signature.dtype == "float32" else 8
        row_bytes = _ROW_BYTES + width * signature.architecture.n_parameters
        most = max(signature.n_lanes, min(int(_BATCH_S / restart_s), _SHARD_BYTES // row_bytes))
        return min(most, max(signature.n_lanes, -(-restarts // _BATCHES_PER_GROUP)))

    @property
    def n_restarts(self) -> int:
        """Restarts of all configurations."""
        return len(self.configurations) * self.experiment.restarts

    @cached_property
    def n_batches(self) -> int:
        """Number of batches."""
        return sum(-(-self._size(g) // self.groups[g].batch_size) for g in range(len(self.groups)))

    def _size(self, group: int) -> int:
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

    @property
    def n_curves(self) -> int:
        """Restarts of each configuration, from the first on, whose loss curve is recorded."""
        per_study = max(1, _MAX_CURVES // len(self.configurations))
        return min(self.experiment.restarts, CURVES_PER_CONFIGURATION, per_study)

    def most_s(self, workers: int) -> float:
        """Seconds that a sweep takes if no restart stops early; rough, without start-up."""
        steps = sum(c.step_s * c.settings.training.max_steps for c in self.configurations)
        return steps * self.experiment.restarts / workers

    def canonical(self) -> dict[str, Any]:
        """JSON-ready content of the plan, enough to rebuild it anywhere."""
        # A user's own table goes into the plan whole, so that a study needs no other file.
        tables = {}
        for c in self.configurations:
            if c.settings.problem.table is not None:
                tables[_table_key(c.settings)] = {
                    "name": c.table.name,
                    "inputs": c.table.inputs.tolist(),
                    "targets": c.table.targets.tolist(),
                    "middles": [None if np.isnan(m) else m for m in c.table.middles.tolist()],
                    "tolerances": c.table.tolerances.tolist(),
                }
        # So does a user's own model; a study without one does not speak of any.
        models = {
            c.model.name: {"sha256": c.model.sha256, "source": c.model.source}
            for c in self.configurations
            if c.model is not None
        }
        return ({"models": models} if models else {}) | {
            "experiment": self.experiment.model_dump(mode="json"),
            "engine": self.engine,
            "batch_size": self.batch_size,
            "batch_sizes": [group.batch_size for group in self.groups],
            "configurations": digest([c.id for c in self.configurations]),
            "curves": self.n_curves,
            "tables": tables,
        }


def _table_key(settings: Settings) -> str:
    """Name a user's table in a stored plan: one-hot targets make another table of the same file."""
    return f"{settings.network.output == 'softmax'}|{settings.problem.table}"


def digest(content: Any) -> str:
    """SHA-256, in hexadecimal, of content as JSON with sorted keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
