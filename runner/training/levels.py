"""Exact levels of the loss: what it is where patterns share an output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.network.signature import Signature

MERGED = 0.05
"""Outputs nearer to each other than this share of the targets' range count as equal."""

_MAX_PATTERNS = 64  # comparing all pairs of patterns costs their square, per endpoint


@dataclass(frozen=True)
class StuckLevels:
    """Losses of n endpoints if patterns with equal outputs gave their mean target."""

    loss: np.ndarray
    """(n,) float64: this loss, without the L2 term; nan where no level is known."""
    some_merged: np.ndarray
    """(n,) bool: whether any two patterns of different targets share an output."""
    all_merged: np.ndarray
    """(n,) bool: whether all patterns share one output."""


def stuck_levels(signature: Signature, outputs: np.ndarray, targets: np.ndarray) -> StuckLevels:
    """Find the levels that belong to given outputs.

    Parameters
    ----------
    signature : Signature
    outputs, targets : ndarray, shape (n_patterns * n_outputs, n), float64

    Returns
    -------
    StuckLevels
        Of long tables and of a network's own loss no level is known.
    """
    net, n_out = signature.architecture.as_layers, signature.architecture.n_outputs
    n_patterns, n = len(signature.patterns), outputs.shape[1]
    if net is None or signature.loss is None or n_patterns > _MAX_PATTERNS:
        return StuckLevels(np.full(n, np.nan), np.zeros(n, bool), np.zeros(n, bool))
    y = outputs.reshape(n_patterns, n_out, n)
    t = targets.reshape(n_patterns, n_out, n)
    reach = MERGED * np.maximum(t.max(axis=0) - t.min(axis=0), np.finfo(float).tiny)
    equal = (np.abs(y[:, None] - y[None]) < reach).all(axis=2)
    # Each group goes by its first member; two rounds join what is equal through a third.
    first = np.argmax(equal, axis=1)
    first = np.take_along_axis(first, first, axis=0)
    same = first[:, None] == first[None]
    members = same.sum(axis=1)
    mean = np.einsum("pqn,qon->pon", same.astype(float), t) / members[:, None]
    level = signature.loss.of_outputs(net, mean, t)
    merged = (same & (t[:, None] != t[None]).any(axis=2)).any(axis=(0, 1))
    return StuckLevels(level, merged, same.all(axis=(0, 1)))
