"""Starts as scikit-learn's multilayer perceptrons have them."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Network
from runner.network.starts.base import Distribution, by_layer, symmetric


class ScikitLearn(Distribution):
    """Weights and biases on ±scale·sqrt(c / (inputs + units)): `MLPClassifier._init_coef`.

    c is 2 where all hidden units are logistic, else 6, in all layers.
    """

    def scales(self, network: Network, scale: float) -> np.ndarray:
        names = network.require_layers().activation
        factor = 2 if set((names,) if isinstance(names, str) else names) == {"sigmoid"} else 6
        return by_layer(
            network,
            lambda units, inputs: scale * np.sqrt(factor / (inputs + units)),
            with_biases=True,
        )

    def standard(self, uniform: np.ndarray) -> np.ndarray:
        return symmetric(uniform)
