"""Exact levels of the loss: what it is where patterns share an output, or outputs are at a bound.

A restart that is stuck comes to one of a few losses that can be written down. Patterns that the
hidden units no longer tell apart share an output, and the best that it can be is their mean target.
With squared error an output may also end at a bound of its range on the wrong side of a pattern's
target, where its derivative vanishes: the loss then counts that bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.base import AT_BOUND, MAX_GROUPS, MERGED, SharedOutputs
from runner.network.activations.registry import ACTIVATIONS
from runner.network.architecture import Architecture
from runner.network.loss_kind import LossKind
from runner.network.signature import Signature

_IN_PAIRS = 8  # numbers of a row from which NumPy adds them in another order than one by one
_BLOCK_BYTES = 2**26  # of outputs that are looked at together


@dataclass(frozen=True)
class StuckLevels:
    """Losses of n endpoints if what cannot move further were all that is wrong."""

    loss: np.ndarray
    """(n,) float64: this loss, without the L2 term; nan where no level is known."""
    some_merged: np.ndarray
    """(n,) bool: whether patterns of different targets share an output, or an output is at a bound
    that is not its target."""
    all_merged: np.ndarray
    """(n,) bool: whether all patterns share one output."""


def stuck_levels(
    signature: Signature,
    outputs: np.ndarray,
    targets: np.ndarray,
    shared_outputs: SharedOutputs | None = None,
) -> StuckLevels:
    """Find the levels that belong to given outputs.

    Parameters
    ----------
    signature : Signature
    outputs, targets : ndarray, shape (n_patterns * n_outputs, n), float64
    shared_outputs : SharedOutputs, optional
        Compiled, in place of passes over all outputs.

    Returns
    -------
    StuckLevels
        Of a network's own loss no level is known.

    Notes
    -----
    The first pattern without a group leads the next one, which all patterns join whose outputs are
    nearer to its own than `MERGED`. Every endpoint is looked at by itself.
    """
    n_out, n = signature.architecture.n_outputs, outputs.shape[1]
    if signature.architecture.as_layers is None or signature.loss is None:
        return StuckLevels(np.full(n, np.nan), np.zeros(n, bool), np.zeros(n, bool))
    shape = (len(signature.patterns), n_out, -1)
    size = max(2, _BLOCK_BYTES // (8 * len(outputs)))
    parts = [
        _levels(
            signature,
            outputs[:, first : first + size].reshape(shape),
            targets[:, first : first + size].reshape(shape),
            shared_outputs,
        )
        for first in range(0, max(n, 1), size)
    ]
    return StuckLevels(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def columns_of_outputs(which: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """Return columns ``which`` (k,) int of outputs or targets (n_targets, n), each (n_targets, k).

    They are for `stuck_levels` to add up.

    Notes
    -----
    NumPy's brackets put columns into memory one by one, which is slower to go through; but eight
    numbers and more that lie so are added in pairs, and levels keep the bits that this gives.
    """
    if len(arrays[0]) < _IN_PAIRS:
        return [np.take(values, which, axis=1) for values in arrays]
    return [values[:, which] for values in arrays]


def constant_loss(signature: Signature, targets: np.ndarray) -> np.ndarray:
    """Loss of the best output that is the same for all patterns, the L2 term left out.

    Parameters
    ----------
    signature : Signature
    targets : ndarray, shape (n_patterns * n_outputs, n), float64

    Returns
    -------
    ndarray, shape (n,), float64
        nan where the network makes its own loss.
    """
    network, loss = signature.architecture.as_layers, signature.loss
    if network is None or loss is None:
        return np.full(targets.shape[1], np.nan)
    t = targets.reshape(len(signature.patterns), network.n_outputs, -1)
    return loss.of_outputs(network, np.broadcast_to(t.mean(axis=0), t.shape), t)


def _levels(
    signature: Signature, y: np.ndarray, t: np.ndarray, shared_outputs: SharedOutputs | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the fields of `StuckLevels` for outputs y and targets t (patterns, outputs, n)."""
    if y.shape[2] == 1:  # NumPy sums a single column in another order, see `column_norms`
        y, t = y.repeat(2, axis=2), t.repeat(2, axis=2)
        loss, merged, constant = _levels(signature, y, t, shared_outputs)
        return loss[:1], merged[:1], constant[:1]
    network = signature.architecture.as_layers
    if network is None or signature.loss is None:
        message = (
            f"{signature.architecture.title} makes its own loss; levels are told of networks of "
            "layers, by a loss of outputs and targets"
        )
        raise TypeError(message)
    n_rows = y.shape[0] * y.shape[1]
    if shared_outputs and n_rows < _IN_PAIRS:
        flat = (rows.reshape(n_rows, -1) for rows in (y, t))
        values, merged, constant = shared_outputs(*flat)
        return signature.loss.of_outputs(network, values.reshape(t.shape), t), merged, constant
    values, merged, constant = _grouped(signature.loss, network, y, t)
    return signature.loss.of_outputs(network, values, t), merged, constant


def _grouped(
    loss: LossKind, network: Architecture, y: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outputs, what they can be at best where patterns share one, and the other fields."""
    span = np.maximum(t.max(axis=0) - t.min(axis=0), np.finfo(float).tiny)
    if loss.kind == "cross-entropy":  # whose derivative does not vanish at a bound
        values, merged = t.copy(), np.zeros(y.shape[2], bool)
        left = np.ones((len(y), y.shape[2]), bool)  # (patterns, n): not yet in a group
    else:
        at, bounds = _at_bounds(network.output, y, t)
        wrong = at & (np.abs(bounds - t) > MERGED * span)
        values = np.where(at, bounds, t)
        merged = wrong.any(axis=(0, 1))
        left = ~wrong.any(axis=1)
    constant = np.zeros(y.shape[2], bool)
    for number in range(min(len(y), MAX_GROUPS)):
        if not left.any():
            break
        leader = np.argmax(left, axis=0)
        led = _rows(y, leader)
        group = (np.abs(y - led) < MERGED * span).all(axis=1) & left & left.any(axis=0)
        members = group.sum(axis=0)
        mean = np.where(group[:, None], t, 0.0).sum(axis=0) / np.maximum(members, 1)
        differ = (group[:, None] & (t != _rows(t, leader))).any(axis=(0, 1))
        merged |= differ
        values = np.where(group[:, None] & differ, mean, values)
        if number == 0:
            constant = members == len(y)
        left &= ~group
    return values, merged, constant


def _at_bounds(output: str, y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which outputs are at a bound of their range, and that bound (elsewhere the target)."""
    at, bounds = np.zeros(y.shape, bool), t.copy()
    low, high = ACTIVATIONS[output].asymptotes
    if np.isfinite(high - low):
        for bound in (low, high):
            near = np.abs(y - bound) < AT_BOUND * (high - low)
            at |= near
            bounds = np.where(near, bound, bounds)
    return at, bounds


def _rows(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return each endpoint's row of values (patterns, outputs, n), as (1, outputs, n)."""
    return np.take_along_axis(values, which[np.newaxis, np.newaxis], axis=0)
