"""What an experiment says of starts beyond their distribution and scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from runner.network.architecture import Network


@dataclass(frozen=True)
class Adjustments:
    """What is changed in the numbers of a distribution; nothing by default."""

    bounds: tuple[float, float] | None = None
    """Ends of the interval on which uniform starts lie, in place of ±scale."""
    value: float | None = None
    """Value of constant starts."""
    layer_scales: tuple[float, ...] = ()
    """A factor for weights and biases of each layer, the output layer's last."""
    bias: float | None = None
    """Value of every bias."""
    bias_bounds: tuple[float, float] | None = None
    """Ends of the interval on which biases lie."""
    fixed: tuple[tuple[str, float], ...] = ()
    """Parameters by name that start from a value in every restart."""

    def key(self) -> dict[str, Any]:
        """Return what makes another stream of random numbers; empty for nothing.

        Biases apart and fixed parameters do not: the weights beside them stay the same numbers.
        """
        parts = {"bounds": self.bounds, "layer_scales": self.layer_scales or None}
        return {name: part for name, part in parts.items() if part is not None}

    def apply(self, network: Network, drawn: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Change starts.

        Parameters
        ----------
        network : Network
        drawn : ndarray, shape (n_parameters, n)
            As the distribution has them; changed in place.
        uniform : ndarray, shape (n_parameters, n)
            The numbers on (0, 1) that they are made of.

        Returns
        -------
        ndarray, shape (n_parameters, n)

        Raises
        ------
        TypeError
            If layers or biases are changed of a network whose layers are not known.
        """
        if self.bounds is not None:
            drawn = between(uniform, self.bounds)
        if self.value is not None:
            drawn = np.full_like(drawn, self.value)
        if self.layer_scales:
            drawn = drawn * np.repeat(self.layer_scales, layer_sizes(network))[:, np.newaxis]
        if self.bias is not None or self.bias_bounds is not None:
            apart = bias_rows(network)
            drawn[apart] = (
                between(uniform[apart], self.bias_bounds) if self.bias_bounds else self.bias
            )
        names = list(network.parameter_names) if self.fixed else []
        for name, value in self.fixed:
            drawn[names.index(name)] = value
        return drawn


NO_ADJUSTMENTS: Final = Adjustments()
"""Starts as their distribution has them."""


def between(uniform: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Turn numbers on (0, 1) into uniform ones on an interval."""
    low, high = bounds
    return np.asarray(low + (high - low) * uniform)


def layer_sizes(network: Network) -> list[int]:
    """Return the number of weights and biases of each layer."""
    net = network.require_layers()
    return [units * (inputs + net.bias) for units, inputs in net.layers]


def bias_rows(network: Network) -> np.ndarray:
    """Return which parameters are biases, shape (n_parameters,), bool."""
    net = network.require_layers()
    kinds = [
        [False] * (units * inputs) + [True] * (units * net.bias) for units, inputs in net.layers
    ]
    return np.array([kind for layer in kinds for kind in layer], bool)
