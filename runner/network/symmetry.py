"""The symmetries of a network: other weights that compute the same function at the same loss.

Hidden units of a layer may change places. Where the activation is odd (tanh, linear) a unit's
weights, bias and outgoing weights may change sign together; where it is logistic too, if the
outgoing weights are added to the next biases (Sussmann 1992; Chen, Lu and Hecht-Nielsen 1993).
Incoming weights of a homogeneous unit (relu, linear) may be scaled by a positive factor and its
outgoing ones by the inverse. An L2 term keeps only what leaves the sum of squares alone:
exchanges, and the flips of odd units. Nothing is done that would change a frozen array.

All arrays of weights are packed, (n_parameters, n): one column per endpoint.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment

from runner.network.activations.base import Activation
from runner.network.architecture import Network

MAX_EXHAUSTIVE = 400
"""Exchanges and flips of a network up to which all are tried in aligning."""

_MAX_BALANCING = 1000  # rounds over the layers of a deep network in balancing
_MAX_SWEEPS = 20  # rounds over the layers of a deep network in aligning


@dataclass(frozen=True, eq=False)
class Symmetries:
    """What may be done to one network's weights.

    Notes
    -----
    A network whose layers are not known has the identity alone, as one without hidden units has.
    """

    architecture: Network
    """The network."""
    regularised: bool
    """Whether the loss has an L2 term."""

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """Hidden layers, from 0, whose units may be exchanged: nothing of theirs is frozen."""
        net = self.architecture.as_layers
        hidden = () if net is None else net.hidden
        return tuple(layer for layer in range(len(hidden)) if self._is_free(layer))

    def _is_free(self, layer: int) -> bool:
        net = self.architecture.require_layers()
        own = {f"W{layer + 1}", f"b{layer + 1}", *(f"W{m + 1}" for m in net.fed_by(layer))}
        return own.isdisjoint(net.frozen)

    def units(self, layer: int) -> int:
        """Return the number of units of a hidden layer."""
        return self.architecture.require_layers().hidden[layer]

    def flips(self, layer: int) -> bool:
        """Whether a hidden layer's units may change their signs."""
        if layer not in self.layers:
            return False
        parity, net = self._activation(layer).parity, self.architecture.require_layers()
        # a logistic unit's flip needs the next biases
        next_biases = {f"b{m + 1}" for m in net.fed_by(layer)}
        shifts = net.bias and not self.regularised and next_biases.isdisjoint(net.frozen)
        return parity == "odd" or (parity == "complementary" and shifts)

    def scales(self, layer: int) -> bool:
        """Whether a unit's incoming weights may be scaled against its outgoing ones."""
        free = layer in self.layers and not self.regularised
        return free and self._activation(layer).homogeneous

    def _is_shifted(self, layer: int) -> bool:
        """Whether flips of the units that feed a layer go into its biases."""
        return any(
            self.flips(source) and self._activation(source).parity == "complementary"
            for source in self.architecture.require_layers().sources(layer)
            if source >= 0
        )

    def _activation(self, layer: int) -> Activation:
        return self.architecture.require_layers().activation_of(layer)

    @cached_property
    def order(self) -> int:
        """Number of exchanges and flips; scalings, being infinitely many, are not counted."""
        order = 1
        for layer in self.layers:
            units = self.units(layer)
            order *= math.factorial(units) * (2**units if self.flips(layer) else 1)
        return order

    def transform(
        self, weights: np.ndarray, layer: int, places: np.ndarray, signs: np.ndarray | None = None
    ) -> np.ndarray:
        """Exchange and flip the units of one hidden layer.

        Parameters
        ----------
        weights : ndarray, shape (n_parameters, n)
        layer : int
            Hidden layer, from 0.
        places : ndarray of int, shape (units,) or (units, n)
            Which unit comes to each place.
        signs : ndarray, shape (units,) or (units, n), optional
            1 or -1 for each unit at its new place.

        Returns
        -------
        ndarray, shape (n_parameters, n)
        """
        moved = weights.copy()
        inner, bias, outer, shift = self.unit_blocks(moved, layer)
        places = np.broadcast_to(_columns(places), bias.shape)
        inner[:] = np.take_along_axis(inner, places[:, None], axis=0)
        bias[:] = np.take_along_axis(bias, places, axis=0)
        for weights_out in outer:
            weights_out[:] = np.take_along_axis(weights_out, places[None], axis=1)
        if signs is not None:
            signs = np.broadcast_to(_columns(signs), bias.shape)
            if self._activation(layer).parity == "complementary":
                # 1 - f(z) = f(-z): what the unit gave when off now goes into the next biases
                for weights_out, biases in zip(outer, shift, strict=True):
                    biases += np.where(signs < 0, weights_out, 0.0).sum(axis=1)
            inner *= signs[:, None]
            bias *= signs
            for weights_out in outer:
                weights_out *= signs[None]
        return moved

    def balanced(self, weights: np.ndarray) -> np.ndarray:
        """Scale every unit so that its incoming and outgoing weights have the same length.

        Notes
        -----
        Of all images by scaling this is the one of least sum of squares. Layers are scaled in turn
        until nothing changes (Stock et al. 2019). Biases that the flips of other units shift do not
        count, so that flips change no length.
        """
        layers = [layer for layer in self.layers if self.scales(layer)]
        if not layers:
            return weights
        weights = weights.copy()
        for _ in range(_MAX_BALANCING if len(layers) > 1 else 1):
            change = 0.0
            for layer in layers:
                inner, bias, outer, _ = self.unit_blocks(weights, layer)
                with np.errstate(all="ignore"):
                    own = 0.0 if self._is_shifted(layer) else bias**2
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

    def canonical(self, weights: np.ndarray) -> np.ndarray:
        """Choose one of every endpoint's images, the same for all images of an endpoint.

        Returns
        -------
        ndarray, shape (n_parameters, n)

        Notes
        -----
        Units are put in the order, and given the sign, of their projection on a fixed direction
        without rational relations. Comparing component by component would not do: minima often
        have equal or opposite components, and rounding would decide.
        """
        weights = self.balanced(weights)
        for layer in self.layers:
            last = layer == len(self.architecture.require_layers().hidden) - 1
            units = self._unit_vectors(weights, layer)
            n_in = self.architecture.require_layers().layers[layer][1] + 1
            # A further layer's own symmetries must not show in this one's keys.
            seen = units if last else units[:, :n_in]
            sign = np.where(_project(seen) < 0, -1.0, 1.0) if self.flips(layer) else None
            key = _project(seen) if sign is None else np.abs(_project(seen))
            if not last:
                key = key + np.abs(units[:, n_in:]).sum(axis=1)
            places = np.argsort(-key, axis=0, kind="stable")
            if sign is not None:
                sign = np.take_along_axis(sign, places, axis=0)
            weights = self.transform(weights, layer, places, sign)
        return weights

    def multiplicity(self, weights: np.ndarray, tolerance: float) -> np.ndarray:
        """Count the distinct images of canonical weights under exchanges and flips.

        Parameters
        ----------
        weights : ndarray, shape (n_parameters, n)
            In canonical form.
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
        for layer in self.layers:
            units = self._unit_vectors(weights, layer)
            same = np.ones(weights.shape[1])
            for unit in range(len(units)):
                if unit:
                    # the canonical order puts equal units side by side
                    equal = np.linalg.norm(units[unit] - units[unit - 1], axis=0) <= reach
                    same = np.where(equal, same + 1, 1.0)
                    alike *= same
                if self.flips(layer):
                    alike *= np.where(np.linalg.norm(units[unit], axis=0) <= reach, 2.0, 1.0)
        return self.order / alike

    def align(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Replace endpoints by those of their images that are nearest to other endpoints.

        Parameters
        ----------
        first, second : ndarray, shape (n_parameters, n)
            Balanced (see `balanced`).

        Returns
        -------
        ndarray, shape (n_parameters, n)
            Images of ``second``.

        Notes
        -----
        Up to `MAX_EXHAUSTIVE` symmetries are all tried. Beyond, an assignment problem is solved
        for each hidden layer, in turn until none changes: exact for one hidden layer (logistic
        flips apart, whose effect on the next biases it leaves out), a local optimum for more
        (Ainsworth, Hayase and Srinivasa 2023).
        """
        if not self.layers:
            return second.copy()
        if self.order <= MAX_EXHAUSTIVE:
            return self._nearest(first, second)
        nearest = second.copy()
        for column in range(second.shape[1]):
            pair = slice(column, column + 1)
            nearest[:, pair] = self.align_by_assignment(first[:, pair], second[:, pair])
        return nearest

    def _nearest(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        nearest, best = second.copy(), np.full(second.shape[1], np.inf)
        for image in self.images(second):
            distance = ((image - first) ** 2).sum(axis=0)
            closer = distance < best
            nearest[:, closer], best[closer] = image[:, closer], distance[closer]
        return nearest

    def images(self, weights: np.ndarray) -> Iterator[np.ndarray]:
        """Yield weights (n_parameters, n) under every exchange and flip, `order` times."""
        groups = [list(self._members(layer)) for layer in self.layers]
        for members in itertools.product(*groups):
            image = weights
            for layer, (places, signs) in zip(self.layers, members, strict=True):
                image = self.transform(image, layer, places, signs)
            yield image

    def _members(self, layer: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        units = self.units(layer)
        signs = list(itertools.product((1.0, -1.0), repeat=units)) if self.flips(layer) else [None]
        for places, sign in itertools.product(itertools.permutations(range(units)), signs):
            yield np.array(places), None if sign is None else np.array(sign)

    def align_by_assignment(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Align one endpoint (n_parameters, 1) with another, as `align` does for large groups."""
        distance = np.linalg.norm(second - first)
        for _ in range(_MAX_SWEEPS):
            image = second
            for layer in self.layers:
                wanted = self._unit_vectors(first, layer)[:, :, 0]
                units = self._unit_vectors(image, layer)[:, :, 0]
                inner = wanted @ units.T
                flips = self.flips(layer)
                gain = np.abs(inner) if flips else inner
                rows, places = linear_sum_assignment(gain, maximize=True)
                sign = np.where(inner[rows, places] < 0, -1.0, 1.0) if flips else None
                image = self.transform(image, layer, places, sign)
            closer = np.linalg.norm(image - first)
            if not closer < distance:
                break
            second, distance = image, closer
        return second

    def exchanged(self, weights: np.ndarray) -> np.ndarray | None:
        """Exchange the first two units of the first hidden layer that has two; None if none has."""
        for layer in self.layers:
            if self.units(layer) > 1:
                places = np.arange(self.units(layer))
                places[:2] = 1, 0
                return self.transform(weights, layer, places)
        return None

    def unit_blocks(
        self, weights: np.ndarray, layer: int
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]:
        """Views: incoming (units, inputs, n), biases; outgoing (next, units, n), next biases.

        The last two for each layer that the units feed. Of a network without biases these are
        zeros that belong to nothing.
        """
        net, n = self.architecture.require_layers(), weights.shape[1]
        blocks = zip(net.array_names, net.blocks(), strict=True)
        array = {name: weights[rows].reshape(*shape, n) for name, (rows, shape) in blocks}

        def biases(layer: int) -> np.ndarray:
            name = f"b{layer + 1}"
            return array[name] if net.bias else np.zeros((net.layers[layer][0], n))

        fed = net.fed_by(layer)
        outer = [array[f"W{m + 1}"][:, net.columns(m, layer)] for m in fed]
        return array[f"W{layer + 1}"], biases(layer), outer, [biases(m) for m in fed]

    def _unit_vectors(self, weights: np.ndarray, layer: int) -> np.ndarray:
        """Incoming weights, bias and outgoing weights of each unit: (units, numbers, n)."""
        inner, bias, outer, _ = self.unit_blocks(weights, layer)
        return np.concatenate(
            [inner, bias[:, None], *(out.swapaxes(0, 1) for out in outer)], axis=1
        )


def _columns(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    return values[:, None] if values.ndim == 1 else values


def _project(units: np.ndarray) -> np.ndarray:
    """Project unit vectors (units, numbers, n) on a fixed direction: (units, n)."""
    # cosines of 1, 2, 3, ... have no linear relation with algebraic factors (Lindemann)
    direction = np.cos(1.0 + np.arange(units.shape[1]))
    return np.asarray(np.einsum("k,ukn->un", direction, units))
