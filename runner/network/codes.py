"""Hidden codes: what each hidden unit says to each pattern, rounded to a few symbols."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from runner.network.architecture import Architecture
from runner.network.model import Model

_BLOCK = 65_536  # endpoints at once, which bounds the memory


def signals(net: Architecture, patterns: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Activations of every layer.

    Parameters
    ----------
    net : Architecture
    patterns : ndarray, shape (n_patterns, n_inputs)
    weights : ndarray, shape (n_parameters, n)

    Returns
    -------
    list of ndarray, shape (units, n_patterns, n)
        Layer by layer, the outputs last.
    """
    n = weights.shape[1]
    blocks = [weights[rows].reshape(*shape, n) for rows, shape in net.blocks()]
    inputs = np.broadcast_to(patterns.T[:, :, None], (*patterns.T.shape, n))
    found, below = [], inputs
    for layer, (weight, bias) in enumerate(zip(blocks[::2], blocks[1::2], strict=True)):
        last = layer == len(net.hidden)
        if last and net.skip and net.hidden:
            below = np.concatenate([below, inputs])
        z = np.einsum("jin,ipn->jpn", weight, below) + bias[:, None]
        below = _activated(net.output if last else net.activation, z)
        found.append(below)
    return found


def _activated(kind: str, z: np.ndarray) -> np.ndarray:
    if kind == "sigmoid":
        return np.asarray(expit(z))
    if kind == "tanh":
        return np.asarray(np.tanh(z))
    if kind == "relu":
        return np.asarray(np.maximum(z, 0.0))
    if kind == "step":
        return np.asarray(z > 0, np.float64)
    if kind == "softmax":
        return np.asarray(softmax(z, axis=0))
    return z


def outputs(net: Architecture, patterns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Outputs (n, n_patterns * n_outputs), pattern by pattern; (n, 0) for a user's own model."""
    if isinstance(net, Model):
        return np.zeros((weights.shape[1], 0))
    parts = []
    for start in range(0, weights.shape[1], _BLOCK):
        last = signals(net, patterns, weights[:, start : start + _BLOCK])[-1]
        parts.append(last.transpose(2, 1, 0).reshape(last.shape[2], -1))
    return np.concatenate(parts) if parts else np.zeros((0, len(patterns) * net.n_outputs))


def codes(net: Architecture, patterns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Hidden codes modulo the network's symmetries.

    Returns
    -------
    ndarray of str, shape (n,)
        A symbol per pattern, units joined by ``|``, layers by ``/``; empty without hidden units.
        Logistic and step units say 0, h or 1 (below, in and above the middle third), tanh units
        -, 0 or +, relu and linear units - (or 0), +: the sign.

    Notes
    -----
    A unit that may change its sign is shown with its first decided symbol low. Units are sorted.
    """
    if not net.hidden:
        return np.full(weights.shape[1], "")
    parts = [
        _codes(net, patterns, weights[:, start : start + _BLOCK])
        for start in range(0, weights.shape[1], _BLOCK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, "U1")


def _codes(net: Architecture, patterns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    text: np.ndarray | None = None
    for hidden in signals(net, patterns, weights)[:-1]:
        trits = _rounded(net.activation, hidden)
        if net.activation in ("sigmoid", "tanh", "linear"):
            decided = trits != 0
            first = np.argmax(decided, axis=1)
            sign = np.take_along_axis(trits, first[:, None], axis=1)
            trits = np.where(sign > 0, -trits, trits)
        low, middle, high = "0h1" if net.activation in ("sigmoid", "step") else "-0+"
        symbols = np.array([ord(low), ord(middle), ord(high)], np.uint32)[trits + 1]
        # (n, units, patterns) of UTF-32, seen as one string per unit
        strings = np.ascontiguousarray(symbols.transpose(2, 0, 1))
        strings = strings.view(f"U{len(patterns)}")[:, :, 0]
        strings = np.sort(strings, axis=1)
        layer = strings[:, 0]
        for unit in range(1, strings.shape[1]):
            layer = np.char.add(np.char.add(layer, "|"), strings[:, unit])
        text = layer if text is None else np.char.add(np.char.add(text, "/"), layer)
    return np.asarray(text)


def _rounded(kind: str, hidden: np.ndarray) -> np.ndarray:
    """-1, 0 or 1 for each activation."""
    if kind in ("sigmoid", "step"):
        hidden = 2 * hidden - 1
    if kind in ("relu", "linear"):
        return np.asarray(np.sign(hidden), np.int8)
    return np.asarray(np.sign(hidden) * (np.abs(hidden) > 1 / 3), np.int8)
