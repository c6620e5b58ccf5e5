"""One image of every endpoint that stands for all: balanced, its units in one order.

All arrays of weights are packed, (n_parameters, n): one column per endpoint.
"""

from __future__ import annotations

import numpy as np

from runner.network.symmetry import Symmetries

_MAX_BALANCING = 1000  # rounds over the layers of a deep network


def balanced(symmetries: Symmetries, weights: np.ndarray) -> np.ndarray:
    """Scale every unit so that its incoming and outgoing weights have the same length.

    Parameters
    ----------
    symmetries : Symmetries
    weights : ndarray, shape (n_parameters, n)

    Returns
    -------
    ndarray, shape (n_parameters, n)

    Notes
    -----
    Of all images by scaling this is the one of least sum of squares. Layers are scaled in turn
    until nothing changes (Stock et al. 2019). Biases that the flips of other units shift do not
    count, so that flips change no length.
    """
    layers = [layer for layer in symmetries.layers if symmetries.scales(layer)]
    if not layers:
        return weights
    if weights.shape[1] == 1:  # NumPy adds a single column in another order: as one of several
        return balanced(symmetries, weights.repeat(2, axis=1))[:, :1]
    weights = weights.copy()
    for _ in range(_MAX_BALANCING if len(layers) > 1 else 1):
        change = 0.0
        for layer in layers:
            inner, bias, outer, _ = symmetries.unit_blocks(weights, layer)
            with np.errstate(all="ignore"):
                own = 0.0 if symmetries.is_shifted(layer) else bias**2
                length_in = np.sqrt((inner**2).sum(axis=1) + own)
                length_out = np.sqrt(sum((out**2).sum(axis=0) for out in outer))
                factor = np.sqrt(length_out / length_in)
            # a unit without input or without effect has no length to be balanced against
            factor = np.where(np.isfinite(factor) & (factor > 0), factor, 1.0)
            inner *= factor[:, None]
            bias *= factor
            for weights_out in outer:
                weights_out /= factor[None]
            change = max(change, float(np.abs(factor - 1.0).max(initial=0.0)))
        if change < 1e-14:
            break
    return weights


def canonical_images(symmetries: Symmetries, weights: np.ndarray) -> np.ndarray:
    """Choose one of every endpoint's images, the same for all images of an endpoint.

    Parameters
    ----------
    symmetries : Symmetries
    weights : ndarray, shape (n_parameters, n)

    Returns
    -------
    ndarray, shape (n_parameters, n)

    Notes
    -----
    Units are put in the order, and given the sign, of their projection on a fixed direction
    without rational relations. Comparing component by component would not do: minima often
    have equal or opposite components, and rounding would decide.
    """
    weights = balanced(symmetries, weights)
    for layer in symmetries.layers:
        last = layer == len(symmetries.architecture.require_layers().hidden) - 1
        units = symmetries.unit_vectors(weights, layer)
        n_in = symmetries.architecture.require_layers().layers[layer][1] + 1
        # A further layer's own symmetries must not show in this one's keys.
        seen = units if last else units[:, :n_in]
        sign = np.where(_project(seen) < 0, -1.0, 1.0) if symmetries.flips(layer) else None
        key = _project(seen) if sign is None else np.abs(_project(seen))
        if not last:
            key = key + np.abs(units[:, n_in:]).sum(axis=1)
        places = np.argsort(-key, axis=0, kind="stable")
        if sign is not None:
            sign = np.take_along_axis(sign, places, axis=0)
        weights = symmetries.transform(weights, layer, places, sign)
    return weights


def multiplicities(symmetries: Symmetries, weights: np.ndarray, tolerance: float) -> np.ndarray:
    """Count the distinct images of endpoints under exchanges and flips.

    Parameters
    ----------
    symmetries : Symmetries
    weights : ndarray, shape (n_parameters, n)
        As `canonical_images` returns them.
    tolerance : float
        Distance up to which two units count as equal, relative to the largest weight or 1.

    Returns
    -------
    ndarray, shape (n,), float64

    Notes
    -----
    The order of the group over the number of its members that leave the weights alone: those
    that exchange equal units, or flip units that are zero.
    """
    alike = np.ones(weights.shape[1])
    reach = tolerance * np.maximum(np.abs(weights).max(axis=0, initial=0.0), 1.0)
    for layer in symmetries.layers:
        units = symmetries.unit_vectors(weights, layer)
        same = np.ones(weights.shape[1])
        for unit in range(len(units)):
            if unit:
                # the canonical order puts equal units side by side
                equal = np.linalg.norm(units[unit] - units[unit - 1], axis=0) <= reach
                same = np.where(equal, same + 1, 1.0)
                alike *= same
            if symmetries.flips(layer):
                alike *= np.where(np.linalg.norm(units[unit], axis=0) <= reach, 2.0, 1.0)
    return symmetries.order / alike


def _project(units: np.ndarray) -> np.ndarray:
    """Project unit vectors (units, numbers, n) on a fixed direction: (units, n)."""
    # cosines of 1, 2, 3, ... have no linear relation with algebraic factors (Lindemann)
    direction = np.cos(1.0 + np.arange(units.shape[1]))
    return np.asarray(np.einsum("k,ukn->un", direction, units))
