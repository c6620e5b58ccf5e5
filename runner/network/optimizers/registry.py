"""Optimizers by their names in the experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.optimizers.adam import Adam
from runner.network.optimizers.base import Optimizer
from runner.network.optimizers.gradient_descent import GradientDescent
from runner.network.optimizers.lbfgs import LBFGS
from runner.network.optimizers.momentum import Momentum
from runner.network.optimizers.nesterov import Nesterov
from runner.network.optimizers.perceptron import Perceptron
from runner.network.optimizers.quickprop import Quickprop
from runner.network.optimizers.rmsprop import RMSprop
from runner.network.optimizers.rprop import Rprop, RpropFann, RpropPlus

OPTIMIZERS: Final[Mapping[str, Optimizer]] = {
    "gradient-descent": GradientDescent(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "rprop": Rprop(),
    "rprop-plus": RpropPlus(),
    "rprop-fann": RpropFann(),
    "quickprop": Quickprop(),
    "rmsprop": RMSprop(),
    "adam": Adam(),
    "lbfgs": LBFGS(),
    "perceptron": Perceptron(),
}
"""Every optimizer."""
