"""Uniform starts."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, symmetric


class Uniform(Distribution):
    """Every parameter on (-scale, scale)."""

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return np.full(network.n_parameters, scale)

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return symmetric(uniform)
