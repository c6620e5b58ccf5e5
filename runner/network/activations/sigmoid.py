"""The logistic function."""

from __future__ import annotations

import numpy as np

from runner.network.activations.base import Elementwise
from runner.network.tensors import Namespace, Tensor, constant, cut

_CUT = (float(np.float32(0.01)), float(np.float32(0.99)))  # FANN's, which are float32 in all of it


class Sigmoid(Elementwise):
    """The logistic function 1 / (1 + exp(-z)).

    Notes
    -----
    The graph has ``1/2 + tanh(z/2)/2``: the same function, one rational approximation instead of an
    exponential and a division, and its derivative reuses the tanh.
    """

    parity = "complementary"
    asymptotes = (0.0, 1.0)
    value_range = (0.0, 1.0)
    has_cut_slope = True
    symbols = "0h1"

    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        half = constant(0.5, dtype)
        return half + half * T.tanh(half * z)

    def cut_slope(self, T: Namespace, y: Tensor, dtype: str) -> Tensor:
        inside = cut(T, y, _CUT, dtype)
        return inside * (constant(1, dtype) - inside)

    def values(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # where 0 is right
            return np.asarray(1.0 / (1.0 + np.exp(-z)))

    def rounded(self, values: np.ndarray) -> np.ndarray:
        return super().rounded(2 * values - 1)
