"""Layers of units evaluated in NumPy, without an engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runner.network.architecture import Architecture, Network

_ENDPOINTS = 2**16  # that are evaluated at once, at most, which bounds the memory
_ACTIVATIONS = 2**22  # of a layer that are computed at once, at most


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
    return [y for _, y in layers(net, patterns, weights)]


def layers(
    net: Architecture, patterns: np.ndarray, weights: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pre-activations and activations, each (units, n_patterns, n), layer by layer.

    Parameters are those of `signals`.
    """
    n = weights.shape[1]
    blocks = [weights[rows].reshape(*shape, n) for rows, shape in net.blocks()]
    inputs = np.broadcast_to(patterns.T[:, :, None], (*patterns.T.shape, n))
    made: list[np.ndarray] = []
    arrays = 1 + net.bias  # of a layer
    for layer, weight in enumerate(blocks[::arrays]):
        fed = [inputs if source < 0 else made[source] for source in net.sources(layer)]
        below = fed[0] if len(fed) == 1 else np.concatenate(fed)
        z = np.einsum("jin,ipn->jpn", weight, below)
        if net.bias:
            z = z + blocks[2 * layer + 1][:, None]
        made.append(net.activation_of(layer).values(z))
        yield z, made[-1]


def blocks_of(net: Architecture, n_patterns: int, n: int) -> Iterator[slice]:
    """Yield n endpoints in blocks, of so many that memory stays bounded."""
    widest = max(net.n_inputs, *net.hidden, net.n_outputs, 1)
    size = max(1, min(_ENDPOINTS, _ACTIVATIONS // (n_patterns * widest)))
    for first in range(0, n, size):
        yield slice(first, first + size)


def signals_in_blocks(
    net: Architecture, patterns: np.ndarray, weights: np.ndarray
) -> Iterator[list[np.ndarray]]:
    """Yield `signals` of the endpoints of each of `blocks_of`."""
    for some in blocks_of(net, len(patterns), weights.shape[1]):
        yield signals(net, patterns, weights[:, some])


def outputs(network: Network, patterns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Outputs of a network, pattern by pattern.

    Parameters
    ----------
    network : Network
    patterns : ndarray, shape (n_patterns, n_inputs)
    weights : ndarray, shape (n_parameters, n)

    Returns
    -------
    ndarray, shape (n, n_patterns * n_outputs), float64
        Shape (n, 0) where the layers are not known.
    """
    net = network.as_layers
    if net is None:
        return np.zeros((weights.shape[1], 0))
    parts = []
    for *_, last in signals_in_blocks(net, patterns, weights):
        parts.append(last.transpose(2, 1, 0).reshape(last.shape[2], -1))
    return np.concatenate(parts) if parts else np.zeros((0, len(patterns) * net.n_outputs))
