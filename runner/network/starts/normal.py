"""Normal starts."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, gaussian


class Normal(Distribution):
    """Every parameter with standard deviation scale."""

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return np.full(network.n_parameters, scale)

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return gaussian(uniform)
