"""What a loss is to layouts and labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from runner.network.tensors import Namespace, Scalar, Tensor


class Loss(ABC):
    """A sum of terms, one for each pattern and output, or one for each pattern.

    Notes
    -----
    For who adds one: write ``runner/network/losses/NAME.py`` with a subclass, name it in
    `runner.network.losses.registry.LOSSES`, and allow the name in
    `runner.experiment.fields.sections.Loss`. Terms are summed here and multiplied by
    `runner.network.loss_kind.LossKind.factor` elsewhere.
    """

    by_pre_activations: ClassVar[bool] = False
    """Whether `seeds` are at pre-activations, so that no slope of the output units comes in."""

    def is_joint(self, output: str) -> bool:
        """Whether all outputs of a pattern make one term, under this activation of the outputs."""
        return False

    def of(self, output: str) -> Loss:
        """Return the loss of outputs that have an activation, where that makes it another."""
        return self

    @abstractmethod
    def term(self, T: Namespace, z: Tensor, y: Tensor, t: Tensor, dtype: str) -> Tensor:
        """Loss of one output on one pattern, from pre-activation, output and target."""

    def joint_term(self, T: Namespace, z: Sequence[Tensor], t: Sequence[Tensor]) -> Tensor:
        """Loss of one pattern, from all its pre-activations and targets; where `is_joint`."""
        message = f"{type(self).__name__} has no term of all outputs"
        raise TypeError(message)

    @abstractmethod
    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
        factor: Scalar,
    ) -> list[tuple[Tensor, Tensor]]:
        """Where back-propagation starts: (tensor, derivative of the loss by it)."""

    @abstractmethod
    def of_outputs(self, y: np.ndarray, t: np.ndarray, output: str) -> np.ndarray:
        """Sum of the terms at given outputs.

        Parameters
        ----------
        y, t : ndarray, shape (n_patterns, n_outputs, n), float64
            Outputs and targets.
        output : str
            Activation of the outputs.

        Returns
        -------
        ndarray, shape (n,), float64
        """
