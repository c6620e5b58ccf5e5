"""The hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from runner.network.activations.base import Elementwise
from runner.network.tensors import Namespace, Tensor, constant, cut

_CUT = (-float(np.float32(0.98)), float(np.float32(0.98)))  # FANN's, float32 in all of it


class Tanh(Elementwise):
    """The hyperbolic tangent."""

    parity = "odd"
    asymptotes = (-1.0, 1.0)
    value_range = (-1.0, 1.0)
    has_cut_slope = True

    def unit(self, T: Namespace, z: Tensor, dtype: str) -> Tensor:
        return T.tanh(z)

    def cut_slope(self, T: Namespace, y: Tensor, dtype: str) -> Tensor:
        inside = cut(T, y, _CUT, dtype)
        return constant(1, dtype) - inside * inside

    def values(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(np.tanh(z))
