"""The rectifier."""

from __future__ import annotations

import numpy as np

from runner.network.activations.base import Elementwise
from runner.network.tensors import Namespace, Tensor, constant


class Relu(Elementwise):
    """The rectifier max(z, 0), whose derivative at 0 is 0."""

    smooth = False
    homogeneous = True
    value_range = (0.0, np.inf)

    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        return T.switch(T.gt(z, constant(0, dtype)), z, constant(0, dtype))

    def values(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(z, 0.0))

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Return the sign: there is no middle third of an unbounded range."""
        return np.asarray(np.sign(values), np.int8)
