"""Starts as scikit-learn's multilayer perceptrons have them."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, by_layer, symmetric


class ScikitLearn(Distribution):
    """Weights and biases on ±scale·sqrt(c / (inputs + units)): `MLPClassifier._init_coef`.

    c is 2 where hidden units are logistic, else 6, in all layers.
    """

    def scales(self, network: Network, scale: float) -> np.ndarray:
        factor = 2 if network.require_layers().activation == "sigmoid" else 6
        return by_layer(
            network,
            lambda units, inputs: scale * np.sqrt(factor / (inputs + units)),
            with_biases=True,
        )

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return symmetric(uniform)
