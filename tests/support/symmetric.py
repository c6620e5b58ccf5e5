"""Random networks, and images of them under their own symmetries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from runner.network.architecture import Architecture
from runner.network.symmetry import Symmetries

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TARGETS = np.array([[0.0], [1.0], [1.0], [0.0]])
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "linear", "step")


@st.composite
def cases(draw):
    """Symmetries of a network, random weights, and one random member applied to them."""
    hidden = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    kinds = st.sampled_from(ACTIVATIONS)
    each = st.tuples(*[kinds] * len(hidden))
    skip = st.sampled_from((False, True, "inputs", "all"))
    net = Architecture(2, hidden, 1, draw(kinds | each), "sigmoid", draw(skip))
    if draw(st.booleans()):
        some = st.lists(st.sampled_from(net.array_names), unique=True, max_size=2)
        net = replace(net, frozen=tuple(draw(some)))
    term, biases = draw(st.booleans()), draw(st.booleans())
    symmetries = Symmetries(net, term, term and biases)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = rng.normal(scale=1.5, size=(net.n_parameters, 6))
    return symmetries, weights, member(symmetries, weights, rng)


def member(symmetries, weights, rng):
    for layer in symmetries.layers:
        units = symmetries.units(layer)
        places = rng.permuted(np.tile(np.arange(units)[:, None], weights.shape[1]), axis=0)
        signs = rng.choice([-1.0, 1.0], places.shape) if symmetries.flips(layer) else None
        weights = symmetries.transform(weights, layer, places, signs)
        if symmetries.scales(layer):
            inner, bias, outer, _ = symmetries.unit_blocks(weights, layer)
            factor = rng.uniform(0.3, 3.0, bias.shape)
            inner *= factor[:, None]
            bias *= factor
            for weights_out in outer:
                weights_out /= factor[None]
    return weights
