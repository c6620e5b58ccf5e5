"""The unit step."""

from __future__ import annotations

import numpy as np

from runner.network.activations.base import Elementwise
from runner.network.tensors import Namespace, Tensor, constant


class UnitStep(Elementwise):
    """The unit step: 1 where z > 0, else 0. It has no derivative; engines take 0 for it."""

    smooth = False
    value_range = (0.0, 1.0)
    symbols = "0h1"

    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        return T.cast(T.gt(z, constant(0, dtype)), dtype)

    def values(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(z > 0, np.float64)

    def rounded(self, values: np.ndarray) -> np.ndarray:
        return super().rounded(2 * values - 1)
