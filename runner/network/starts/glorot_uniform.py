"""Uniform starts whose width follows the layer's inputs and units."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, by_layer, symmetric


class GlorotUniform(Distribution):
    """Weights on ±scale·sqrt(6 / (inputs + units)), biases 0 (Glorot and Bengio 2010)."""

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return by_layer(network, lambda units, inputs: scale * np.sqrt(6 / (inputs + units)))

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return symmetric(uniform)
