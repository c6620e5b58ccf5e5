"""The hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from runner.network.activations.base import Elementwise
from runner.network.tensors import Namespace, Tensor


class Tanh(Elementwise):
    """The hyperbolic tangent."""

    parity = "odd"
    asymptotes = (-1.0, 1.0)
    value_range = (-1.0, 1.0)

    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        return T.tanh(z)

    def values(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(np.tanh(z))
