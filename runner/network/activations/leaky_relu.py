"""The leaky rectifier."""

from __future__ import annotations

import numpy as np

from runner.network.activations.base import Elementwise
from runner.network.tensors import Namespace, Tensor, constant

_SLOPE = 0.01  # below 0, as in PyTorch; Keras has 0.3


class LeakyRelu(Elementwise):
    """The leaky rectifier: z where z > 0, else z / 100; its derivative at 0 is 1/100."""

    smooth = False
    homogeneous = True

    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        return T.switch(T.gt(z, constant(0, dtype)), z, constant(_SLOPE, dtype) * z)

    def values(self, z: np.ndarray) -> np.ndarray:
        return np.where(z > 0, z, _SLOPE * z)

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Return the sign: there is no middle third of an unbounded range."""
        return np.asarray(np.sign(values), np.int8)
