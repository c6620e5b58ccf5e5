"""What has to be compiled: all that decides a training step, and nothing that only fills it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from runner.network.architecture import Network
from runner.network.criterion import SolvedCriterion
from runner.network.loss_kind import LossKind
from runner.network.optimizers.base import Optimizer
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.schedules.base import Schedule
from runner.network.schedules.registry import parse_schedule
from runner.network.state import PackedState

HYPERPARAMETERS: Final = ("learning_rate", "momentum", "l2", "stop_loss", "stop_gradient")
"""Numbers of a configuration that need no new compilation: the rows of every array `hyper`."""


PLATEAU_COLUMNS: Final = MappingProxyType({"new-start": "new_starts", "perturb": "perturbations"})
"""Columns that count what is done on plateaus, by `Signature.plateau`."""


@dataclass(frozen=True)
class Signature:
    """All that forces a compiled function of its own; equal signatures share one.

    Notes
    -----
    A signature depends on one configuration alone, never on its neighbours in a grid, so adding
    configurations cannot change the bits of the others.
    """

    architecture: Network
    """The network that is trained."""
    patterns: tuple[tuple[float, ...], ...]
    """Input patterns, one tuple each; folded into the graph as constants."""
    criterion: SolvedCriterion
    """When outputs count as solved."""
    loss: LossKind | None
    """Loss and its reduction; None where the network makes its own."""
    regularised: bool
    """Whether an L2 term is added."""
    optimizer: str
    """A key of `runner.network.optimizers.registry.OPTIMIZERS`."""
    stops: tuple[str, ...]
    """Stopping rules in force, in the order of `runner.network.stops.registry.STOPS`."""
    dtype: str
    """float32 or float64."""
    layout: str
    """A key of `runner.network.layouts.registry.LAYOUTS`; in vector code ``matrices`` take the
    place of ``stacked``."""
    n_lanes: int
    """Restarts trained at once by one call; vector code takes any number."""
    n_steps: int
    """Epochs of one call; vector code takes as many as are needed."""
    constants: tuple[tuple[str, float], ...] = ()
    """The optimizer's constants that are not its defaults; see `Optimizer.constants`."""
    rate_schedule: str = ""
    """How the learning rate changes, as the experiment file says it; empty for not at all."""
    momentum_schedule: str = ""
    """How momentum does."""
    patterns_per_update: int = 0
    """Patterns of an update; 0 for all of them."""
    shuffled: bool = False
    """Whether every epoch takes the patterns in a new order."""
    l2_biases: bool = True
    """Whether the L2 term takes in the biases."""
    cut_slopes: bool = False
    """Whether updates follow slopes of outputs cut short of 0 and 1; see
    `runner.network.cut_slopes`."""
    plateau: str = ""
    """What is done on a plateau, ``new-start`` or ``perturb``, between calls of compiled functions;
    empty for nothing."""

    @property
    def rule(self) -> Optimizer:
        """The update rule."""
        return OPTIMIZERS[self.optimizer]

    @property
    def counted(self) -> tuple[str, ...]:
        """Columns of what is counted of a restart: by its update rule, then on its way."""
        on_plateaus = (PLATEAU_COLUMNS[self.plateau],) if self.plateau else ()
        return self.rule.columns + on_plateaus

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Schedules by the hyperparameter that they change, of those that do change."""
        texts = {"learning_rate": self.rate_schedule, "momentum": self.momentum_schedule}
        return {name: parse_schedule(text) for name, text in texts.items() if text}

    @property
    def updates_per_epoch(self) -> int:
        """Updates of an epoch, which takes every pattern once.

        An epoch is what compiled functions repeat and count; stopping rules look before each.
        """
        size = self.patterns_per_update
        return -(-len(self.patterns) // size) if size else 1

    @property
    def state(self) -> PackedState:
        """The packed state of its restarts."""
        return PackedState(
            self.architecture.n_parameters,
            self.rule,
            self.dtype,
            scheduled=bool(self.rate_schedule or self.momentum_schedule),
            shuffled=self.shuffled,
        )

    @property
    def n_rows(self) -> int:
        """Rows of the packed state."""
        return self.state.n_rows

    @property
    def n_targets(self) -> int:
        """Rows of the packed targets: patterns times outputs."""
        return len(self.patterns) * self.architecture.n_outputs

    @property
    def measured(self) -> Signature:
        """What has to be compiled to look at endpoints of this signature, whatever trained them."""
        return replace(
            self,
            optimizer="gradient-descent",
            stops=(),
            dtype="float64",
            n_steps=1,
            constants=(),
            rate_schedule="",
            momentum_schedule="",
            patterns_per_update=0,
            shuffled=False,
            cut_slopes=False,
            plateau="",
        )
