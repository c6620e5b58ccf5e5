"""What a stopping rule is given, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.network.layouts.base import Layout
from runner.network.tensors import Namespace, Tensor


@dataclass(frozen=True)
class StopPoint:
    """Where the lanes are before a step."""

    T: Namespace
    """The engine's tensor namespace."""
    layout: Layout
    """Reduces tensors to a number per lane."""
    solved: Tensor
    """Whether every output is on the right side, per lane."""
    gradients: Sequence[Tensor]
    """The loss's gradient, shaped like the parameters."""
    loss: Callable[[], Tensor]
    """Builds the loss per lane; rules that do not call it spare its logarithms."""
    hyperparameter: Callable[[str], Tensor]
    """Looks one up per lane by its name in `runner.network.signature.HYPERPARAMETERS`."""


class StopRule(ABC):
    """When a restart stops, decided inside the compiled step.

    Notes
    -----
    For who adds one: write ``runner/network/stops/NAME.py`` with a subclass, name it in
    `runner.network.stops.registry.STOPS`, add its field to
    `runner.experiment.fields.training.Training` and, if it has a threshold, that to
    `runner.network.signature.HYPERPARAMETERS`. `runner.experiment.configuration` says when it is in
    force. It must look at its own lane alone.
    """

    @abstractmethod
    def holds(self, at: StopPoint) -> Tensor:
        """Build whether each lane is to stop here, before the step."""
