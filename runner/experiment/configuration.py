"""One point of an experiment's grid, with all that training it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from runner.experiment import sizes
from runner.experiment.digest import digest
from runner.experiment.settings import Settings
from runner.experiment.truth_table import TruthTable
from runner.network.architecture import Architecture, LossKind
from runner.network.model import Model
from runner.network.optimizers import OPTIMIZERS
from runner.network.starts import Starts
from runner.network.step import HYPERPARAMETERS, Signature


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
        # Rules that go pattern by pattern and users' own models have no code of matrices.
        by_weight = OPTIMIZERS[training.optimizer].by_pattern or self.model is not None
        layout = "lanes" if by_weight else sizes.layout_of(self._n_products, device)
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
            n_lanes=sizes.n_lanes(layout, self._n_products, device),
            n_steps=sizes.STEPS_PER_CALL,
        )

    @property
    def step_s(self) -> float:
        """Rough seconds that one step of one restart takes on one CPU core."""
        return sizes.step_s(self._n_products, self.settings.training.dtype)

    @property
    def _n_products(self) -> int:
        """Weights times patterns: what a step costs."""
        return self.table.n_patterns * self.architecture.n_parameters
