"""What a step is given of every lane beside its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.network.signature import HYPERPARAMETERS
from runner.network.tensors import Tensor


@dataclass(frozen=True)
class Lane:
    """The symbolic inputs of a step: hyperparameters and targets of every lane."""

    hyper: Sequence[Tensor]
    """One vector per name in `HYPERPARAMETERS`."""
    targets: Sequence[Tensor]
    """The layout's target tensors."""

    def hyperparameter(self, name: str) -> Tensor:
        """Return one by its name in `HYPERPARAMETERS`."""
        return self.hyper[HYPERPARAMETERS.index(name)]
