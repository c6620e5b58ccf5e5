"""Hidden codes: what each hidden unit says to each pattern, rounded to a few symbols."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.network.activations.base import Activation
from runner.network.architecture import Architecture, Network
from runner.network.forward import signals_in_blocks


def codes(network: Network, patterns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Hidden codes modulo the network's symmetries.

    Parameters
    ----------
    network : Network
    patterns : ndarray, shape (n_patterns, n_inputs)
    weights : ndarray, shape (n_parameters, n)

    Returns
    -------
    ndarray of str, shape (n,)
        A symbol per pattern, units joined by ``|``, layers by ``/``; empty without hidden units.
        Logistic and step units say 0, h or 1 (below, in and above the middle third), tanh units
        -, 0 or +, relu, leaky relu and linear units - (or 0), +: the sign.

    Notes
    -----
    A unit that may change its sign is shown with its first decided symbol low. Units are sorted.
    """
    net = network.as_layers
    if net is None or not net.hidden:
        return np.full(weights.shape[1], "")
    parts = [_codes(net, layers) for *layers, _ in signals_in_blocks(net, patterns, weights)]
    return np.concatenate(parts) if parts else np.zeros(0, "U1")


def _codes(net: Architecture, layers: Sequence[np.ndarray]) -> np.ndarray:
    """Codes (n,) of the activations of all hidden layers."""
    text: np.ndarray | None = None
    for number, hidden in enumerate(layers):
        layer = _layer_codes(net.activation_of(number), hidden)
        text = layer if text is None else np.char.add(np.char.add(text, "/"), layer)
    return np.asarray(text)


def _layer_codes(activation: Activation, hidden: np.ndarray) -> np.ndarray:
    """Codes (n,) of one layer's activations (units, n_patterns, n)."""
    trits = activation.rounded(hidden)
    if activation.parity is not None:
        first = np.argmax(trits != 0, axis=1)
        sign = np.take_along_axis(trits, first[:, None], axis=1)
        trits = np.where(sign > 0, -trits, trits)
    symbols = np.array([ord(symbol) for symbol in activation.symbols], np.uint32)[trits + 1]
    # UTF-32 is seen as one string per unit, to be sorted: exchanged units have one code
    strings = np.ascontiguousarray(symbols.transpose(2, 0, 1))
    strings = np.sort(strings.view(f"U{hidden.shape[1]}")[:, :, 0], axis=1)
    layer = strings[:, 0]
    for unit in range(1, strings.shape[1]):
        layer = np.char.add(np.char.add(layer, "|"), strings[:, unit])
    return layer
