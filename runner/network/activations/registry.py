"""Activations by their names in the experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.activations.base import Activation
from runner.network.activations.leaky_relu import LeakyRelu
from runner.network.activations.linear import Linear
from runner.network.activations.relu import Relu
from runner.network.activations.sigmoid import Sigmoid
from runner.network.activations.softmax import Softmax
from runner.network.activations.step import UnitStep
from runner.network.activations.tanh import Tanh

ACTIVATIONS: Final[Mapping[str, Activation]] = {
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "relu": Relu(),
    "leaky-relu": LeakyRelu(),
    "linear": Linear(),
    "softmax": Softmax(),
    "step": UnitStep(),
}
"""Every activation; ``softmax`` is for output units."""
