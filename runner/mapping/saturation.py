"""Points that are at infinity but for rounding: a unit's output is at its asymptote."""

from __future__ import annotations

import numpy as np

from runner.network.architecture import Architecture, Network
from runner.network.forward import signals_in_blocks

_NEAR = 1e-6  # distance from an asymptote at which float64 has lost most of what is beyond


def saturated(network: Network, patterns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether some unit is at an asymptote for some pattern.

    Parameters
    ----------
    network : Network
    patterns : ndarray, shape (n_patterns, n_inputs)
    weights : ndarray, shape (n_parameters, n)

    Returns
    -------
    ndarray of bool, shape (n,)
        False where the layers are not known.
    """
    net = network.as_layers
    if net is None or not weights.shape[1]:
        return np.zeros(weights.shape[1], bool)
    found = [_any_near(net, layers) for layers in signals_in_blocks(net, patterns, weights)]
    return np.concatenate(found)


def _any_near(net: Architecture, layers: list[np.ndarray]) -> np.ndarray:
    near = np.zeros(layers[0].shape[2], bool)
    for layer, values in enumerate(layers):
        for bound in net.activation_of(layer).asymptotes:
            if np.isfinite(bound):
                near |= (np.abs(values - bound) < _NEAR).any(axis=(0, 1))
    return near
