"""The softmax of a layer's units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.network.activations.base import Activation
from runner.network.tensors import Namespace, Tensor, largest, total


class Softmax(Activation):
    """exp(z) over the sum of exp(z) of all units: for output units, one per class."""

    elementwise = False
    asymptotes = (0.0, 1.0)
    value_range = (0.0, 1.0)

    def graph(self, T: Namespace, z: Sequence[Tensor], dtype: str) -> list[Tensor]:
        highest = largest(T, z)  # so that no exponential overflows
        powers = [T.exp(score - highest) for score in z]
        scale = total(powers)
        return [power / scale for power in powers]

    def values(self, z: np.ndarray) -> np.ndarray:
        from scipy.special import softmax  # takes a while to load

        return np.asarray(softmax(z, axis=0))
