"""Starts as PyTorch's linear layers have them."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, by_layer, symmetric


class PyTorch(Distribution):
    """Weights and biases on ±scale / sqrt(inputs): `torch.nn.Linear.reset_parameters`."""

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return by_layer(network, lambda _, inputs: scale / np.sqrt(inputs), with_biases=True)

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return symmetric(uniform)
