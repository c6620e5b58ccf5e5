"""What an activation is to networks, symmetries and hidden codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from runner.network.tensors import Namespace, Tensor


class Activation(ABC):
    """What the units of a layer make of their pre-activations.

    Notes
    -----
    For who adds one: write ``runner/network/activations/NAME.py`` with a subclass (of `Elementwise`
    if each unit looks at its own pre-activation alone), name it in
    `runner.network.activations.registry.ACTIVATIONS`, and allow the name where an experiment file
    may say it: of hidden layers in `runner.experiment.fields.values.HiddenActivation`, of outputs
    in `runner.experiment.fields.sections.Network`. The tests of steps, symmetries and hidden codes
    run over the registry. Build graphs of functions of ``T`` that every engine has; constants are
    made with `runner.network.tensors.constant`.
    """

    elementwise: ClassVar[bool]
    """Whether each unit looks at its own pre-activation alone."""
    parity: ClassVar[Literal["odd", "complementary"] | None] = None
    """``odd``: f(-z) = -f(z). ``complementary``: f(-z) = 1 - f(z). None: neither."""
    smooth: ClassVar[bool] = True
    """Whether it has derivatives of all orders everywhere."""
    homogeneous: ClassVar[bool] = False
    """Whether f(c z) = c f(z) for every c > 0."""
    asymptotes: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    """Values below and above that it comes near but takes at infinite pre-activations only."""
    value_range: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    """Values below and above which no output lies; a bound that is no asymptote is taken."""
    has_cut_slope: ClassVar[bool] = False
    """Whether `cut_slope` cuts anything."""
    symbols: ClassVar[str] = "-0+"
    """What hidden codes write for a low, a middle and a high value."""

    @abstractmethod
    def graph(self, T: Namespace, z: Sequence[Tensor], dtype: str) -> list[Tensor]:
        """Build the outputs of units from their pre-activations."""

    @abstractmethod
    def values(self, z: np.ndarray) -> np.ndarray:
        """Outputs of pre-activations (units, ...), float64."""

    def cut_slope(self, T: Namespace, y: Tensor, dtype: str) -> Tensor | None:
        """Build the derivative at outputs that are cut short of the asymptotes, as FANN does.

        Elementwise of a tensor of outputs; None where nothing is cut, see `has_cut_slope`.
        """
        return None

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Return -1, 0 or 1 for values below, in and above the middle third; int8."""
        return np.asarray(np.sign(values) * (np.abs(values) > 1 / 3), np.int8)


class Elementwise(Activation):
    """An activation of each unit by itself."""

    elementwise = True

    def graph(self, T: Namespace, z: Sequence[Tensor], dtype: str) -> list[Tensor]:
        return [self.unit(T, each, dtype) for each in z]

    @abstractmethod
    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        """Build the output of one unit, or elementwise of a tensor of units."""
