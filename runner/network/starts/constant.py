"""Starts that are all the same."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution


class Constant(Distribution):
    """Every parameter 0, or what `runner.network.starts.adjustments.Adjustments` says."""

    def scales(self, network: Network, scale: float) -> np.ndarray:
        return np.zeros(network.n_parameters)

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return np.zeros_like(uniform)
