"""Nguyen and Widrow's starts."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, symmetric

_SPREAD = 0.7  # times units ** (1 / inputs): how far a layer's units reach


class NguyenWidrow(Distribution):
    """Hidden units whose slopes cover the inputs' range evenly (Nguyen and Widrow 1990).

    A hidden unit's weights have a random direction and the length 0.7·units^(1 / inputs); its bias
    is on ± that length. The output layer is on ±0.5. All is multiplied by scale.
    """

    by_number = False  # a weight's length depends on the unit's others

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return np.full(network.n_parameters, scale)

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return symmetric(uniform)

    def draw(self, network: Network, scale: float, uniform: np.ndarray) -> np.ndarray:
        net = network.require_layers()
        drawn = self.standard(uniform)
        row = 0
        for layer, (units, inputs) in enumerate(net.layers):
            size = units * inputs
            weights = drawn[row : row + size].reshape(units, inputs, -1)
            row += size
            biases = drawn[row : row + units * net.bias]
            if layer < len(net.hidden):
                length = _SPREAD * units ** (1 / inputs)
                weights *= length / np.linalg.norm(weights, axis=1, keepdims=True)
                biases *= length
            else:
                weights *= 0.5
                biases *= 0.5
            row += len(biases)
        return scale * drawn
