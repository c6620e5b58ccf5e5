"""The squared error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.network.losses.base import Loss
from runner.network.tensors import Namespace, Scalar, Tensor


class SquaredError(Loss):
    """(y - t)² for every pattern and output."""

    def term(self, T: Namespace, z: Tensor, y: Tensor, t: Tensor, dtype: str) -> Tensor:
        return (y - t) ** 2

    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
        factor: Scalar,
    ) -> list[tuple[Tensor, Tensor]]:
        return [(y, (factor + factor) * (y - t)) for y, t in zip(out, targets, strict=True)]

    def of_outputs(self, y: np.ndarray, t: np.ndarray, output: str) -> np.ndarray:
        return np.asarray(((y - t) ** 2).sum(axis=(0, 1)))
