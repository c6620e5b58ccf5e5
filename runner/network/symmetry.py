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

from runner.network.activations.base import Activation
from runner.network.architecture import Network


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
    bound_biases: bool
    """Whether biases are part of that term."""

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
        shifts = net.bias and not self.bound_biases and next_biases.isdisjoint(net.frozen)
        return parity == "odd" or (parity == "complementary" and shifts)

    def scales(self, layer: int) -> bool:
        """Whether a unit's incoming weights may be scaled against its outgoing ones."""
        free = layer in self.layers and not self.regularised
        return free and self._activation(layer).homogeneous

    def is_shifted(self, layer: int) -> bool:
        """Whether flips of the units that feed a layer go into its biases."""
        return any(
            self.flips(source) and self._activation(source).parity == "complementary"
            for source in self.architecture.require_layers().sources(layer)
            if source >= 0
        )

    def _activation(self, layer: int) -> Activation:
        return self.architecture.require_layers().activation_of(layer)

    @property
    def keep_lengths(self) -> bool:
        """Whether the L2 term sees to it that none changes the length of the weights."""
        n_layers = len(self.architecture.require_layers().layers) if self.layers else 0
        return self.regularised and not any(map(self.is_shifted, range(n_layers)))

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

    def unit_vectors(self, weights: np.ndarray, layer: int) -> np.ndarray:
        """Incoming weights, bias and outgoing weights of each unit: (units, numbers, n)."""
        inner, bias, outer, _ = self.unit_blocks(weights, layer)
        return np.concatenate(
            [inner, bias[:, None], *(out.swapaxes(0, 1) for out in outer)], axis=1
        )


def _columns(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    return values[:, None] if values.ndim == 1 else values
