"""Which loss, and how it is reduced over patterns and outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.network.architecture import Architecture
from runner.network.losses.base import Loss
from runner.network.losses.registry import LOSSES


@dataclass(frozen=True)
class LossKind:
    """A loss and its reduction.

    Examples
    --------
    >>> from runner.network.architecture import Architecture
    >>> xor = Architecture(2, (2,), 1, "sigmoid", "sigmoid")
    >>> LossKind("squared-error", "mean").factor(xor, n_patterns=4)
    0.25
    """

    kind: str
    """A key of `runner.network.losses.registry.LOSSES`."""
    reduction: str
    """``mean``, ``sum``, ``half-sum`` or ``half-mean``."""

    @property
    def loss(self) -> Loss:
        """The loss whose terms are summed."""
        return LOSSES[self.kind]

    def factor(self, architecture: Architecture, n_patterns: int) -> float:
        """Return what the summed terms are multiplied by.

        ``mean`` divides by their number, ``half-mean`` by twice the number of patterns.
        """
        if self.reduction == "sum":
            return 1.0
        if self.reduction == "half-sum":
            return 0.5
        if self.reduction == "half-mean":
            return 0.5 / n_patterns
        joint = self.loss.is_joint(architecture.output)
        return 1.0 / (n_patterns * (1 if joint else architecture.n_outputs))

    def of_outputs(self, architecture: Architecture, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Loss at given outputs, the L2 term left out.

        Parameters
        ----------
        architecture : Architecture
        y, t : ndarray, shape (n_patterns, n_outputs, n), float64
            Outputs and targets.

        Returns
        -------
        ndarray, shape (n,), float64
        """
        factor = self.factor(architecture, len(y))
        return np.asarray(factor * self.loss.of_outputs(y, t, architecture.output))
