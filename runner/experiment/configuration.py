"""One point of an experiment's grid, with all that training it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from runner.experiment import batch_sizes
from runner.experiment.content_hash import canonical_json, digest_of_texts, text_of
from runner.experiment.settings import Settings
from runner.experiment.truth_tables.truth_table import TruthTable
from runner.network.architecture import Network
from runner.network.criterion import SolvedCriterion
from runner.network.custom.model import CustomModel
from runner.network.loss_kind import LossKind
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.signature import HYPERPARAMETERS, Signature
from runner.network.starts.given import Given
from runner.network.starts.stream import Starts
from runner.network.stops.registry import STOPS
from runner.network.symmetry import Symmetries


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
    model: CustomModel | None = None
    """A custom model, in place of layers."""
    given: Given | None = None
    """Given starts, in place of random ones."""

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits of a hash of the settings and the contents of the files."""
        texts = self.settings.canonical_texts()
        texts["truth_table"] = text_of(self.table, self.table.canonical)
        if self.model is not None:
            texts["model"] = canonical_json(self.model.canonical())
        if self.given is not None:
            texts["starts"] = canonical_json(self.given.sha256)
        return digest_of_texts(texts)[:12]

    @cached_property
    def architecture(self) -> Network:
        """The network that is trained."""
        if self.model is not None:
            return self.model
        return self.settings.network.architecture(self.table.n_inputs, self.table.n_outputs)

    def part(self, start: int, stop: int) -> Configuration:
        """Return the configuration with no more given starts than a range of restarts needs."""
        if self.given is None:
            return self
        part = replace(self, given=self.given.part(start, stop))
        part.__dict__["id"] = self.id  # which is of all starts
        return part

    def starts(self, seed: int) -> Starts:
        """Return the stream of starting weights under a root seed."""
        init = self.settings.init
        return Starts(
            seed,
            self.architecture,
            init.distribution,
            init.scale,
            init.slice,
            init.adjustments,
            self.given,
        )

    @cached_property
    def hyper(self) -> np.ndarray:
        """Hyperparameters (len(HYPERPARAMETERS),), float64, in that order."""
        training, loss = self.settings.training, self.settings.loss
        sources = {name: loss if name == "l2" else training for name in HYPERPARAMETERS}
        return np.array([float(getattr(source, name)) for name, source in sources.items()])

    def shortened(self, max_steps: int) -> Configuration:
        """Return the configuration with at most this many steps: the same compiled function."""
        training, each = self.settings.training, self.updates_per_epoch
        steps = max(max_steps // each, 1) * each
        fewer = training.model_copy(update={"max_steps": min(steps, training.max_steps)})
        return replace(self, settings=self.settings.model_copy(update={"training": fewer}))

    def parts_of_signature(self) -> tuple[int, ...]:
        """Return what `signature` depends on, by identity: points of a grid share these."""
        settings = self.settings
        sections = (settings.network, settings.loss, settings.training)
        return tuple(map(id, (*sections, self.table, self.model)))

    @property
    def criterion(self) -> SolvedCriterion:
        """When it is solved."""
        return SolvedCriterion(
            middles=tuple(0.0 if np.isnan(m) else float(m) for m in self.table.middles),
            tolerances=tuple(float(t) for t in self.table.tolerances),
            by_class=self.settings.solved_by == "class",
            by_loss=self.settings.solved_by == "loss",
        )

    @property
    def symmetries(self) -> Symmetries:
        """Of its network and its loss."""
        loss = self.settings.loss
        return Symmetries(self.architecture, loss.l2 > 0, loss.has_bound_biases)

    @property
    def is_bound(self) -> bool:
        """Whether the L2 term keeps all that is trained finite, so that the loss grows outwards."""
        loss, network = self.settings.loss, self.architecture
        return loss.l2 > 0 and (
            loss.has_bound_biases or not (network.biases & network.trained).any()
        )

    def signature(self, device: str = "cpu") -> Signature:
        """What has to be compiled to train this configuration on a kind of device."""
        training, loss = self.settings.training, self.settings.loss
        layout = batch_sizes.layout_of(self._n_products, device)
        # Custom models have no matrices, and rules that go pattern by pattern have no use for them.
        by_pattern = OPTIMIZERS[training.optimizer].by_pattern or training.patterns_per_update
        if by_pattern or layout not in self.architecture.layouts:
            layout = self.architecture.layouts[0]
        in_force = {
            "solved": training.stop_solved,
            "loss": training.stop_loss > 0,
            "gradient": training.stop_gradient > 0,
        }
        return Signature(
            architecture=self.architecture,
            patterns=tuple(map(tuple, self.table.inputs.tolist())),
            criterion=self.criterion,
            loss=LossKind(loss.kind, loss.reduction) if self.model is None else None,
            regularised=loss.l2 > 0,
            l2_biases=loss.has_bound_biases or not loss.l2,
            optimizer=training.optimizer,
            stops=tuple(name for name in STOPS if in_force[name]),
            dtype=training.dtype,
            layout=layout,
            n_lanes=batch_sizes.n_lanes(layout, self._n_products, device),
            n_steps=batch_sizes.STEPS_PER_CALL,
            constants=tuple(sorted(self._constants.items())),
            rate_schedule=training.rate_schedule or "",
            momentum_schedule=training.momentum_schedule or "",
            patterns_per_update=training.patterns_per_update or 0,
            shuffled=training.order == "shuffled",
            cut_slopes=training.slopes == "cut",
            plateau=training.plateau or "",
        )

    @property
    def _constants(self) -> dict[str, float]:
        """The optimizer's constants that differ from its defaults."""
        training = self.settings.training
        usual = OPTIMIZERS[training.optimizer].constants
        return {name: value for name, value in training.constants.items() if value != usual[name]}

    @property
    def updates_per_epoch(self) -> int:
        """Steps of an epoch, which takes every pattern once."""
        size = self.settings.training.patterns_per_update
        return -(-self.table.n_patterns // size) if size else 1

    @property
    def step_s(self) -> float:
        """Rough seconds that one step of one restart takes on one CPU core."""
        epoch = batch_sizes.step_s(self._n_products, self.settings.training.dtype)
        return epoch / self.updates_per_epoch

    @property
    def _n_products(self) -> int:
        """Weights times patterns: what a step costs."""
        return self.table.n_patterns * self.architecture.n_parameters
