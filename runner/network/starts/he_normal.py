"""Normal starts whose width follows the layer's inputs."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, by_layer, gaussian


class HeNormal(Distribution):
    """Weights with standard deviation scale·sqrt(2 / inputs), biases 0 (He et al. 2015)."""

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return by_layer(network, lambda units, inputs: scale * np.sqrt(2 / inputs))

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return gaussian(uniform)
