"""What a distribution of starting weights is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from runner.network.architecture import Network


class Distribution(ABC):
    """How random starting weights are distributed.

    Notes
    -----
    For who adds one: write ``runner/network/starts/NAME.py`` with a subclass, name it in
    `runner.network.starts.registry.DISTRIBUTIONS`, and allow the name in
    `runner.experiment.fields.sections.Init`. A restart must be a function of its own uniform
    numbers alone, one for each parameter (a normal variate, say, by the inverse distribution
    function), so that it can be drawn without its neighbours and all restarts take equally many
    random words.
    """

    by_number = True
    """Whether `draw` is the product of both methods below; who writes another says no."""

    @abstractmethod
    def scales(self, network: Network, scale: float) -> np.ndarray:
        """Return the width of each parameter, shape (n_parameters,), float64."""

    @abstractmethod
    def standard(self, uniform: np.ndarray) -> np.ndarray:
        """Turn float64 numbers on (0, 1), the ends left out, into variates of width 1."""

    def draw(self, network: Network, scale: float, uniform: np.ndarray) -> np.ndarray:
        """Make starts of numbers on the open interval (0, 1): (n_parameters, n) both, float64."""
        widths = self.scales(network, scale)[:, np.newaxis]
        return np.asarray(widths * self.standard(uniform), np.float64)


def symmetric(uniform: np.ndarray) -> np.ndarray:
    """Turn float64 numbers on (0, 1) into uniform ones on (-1, 1), of any shape."""
    return np.asarray(2 * uniform - 1)


def gaussian(uniform: np.ndarray) -> np.ndarray:
    """Turn float64 numbers on (0, 1) into standard normal ones, of any shape."""
    from scipy.special import ndtri  # takes a while to load

    return np.asarray(ndtri(uniform))


def by_layer(
    network: Network, width: Callable[[int, int], float], *, with_biases: bool = False
) -> np.ndarray:
    """Return a width per parameter, by its layer's (units, inputs); of biases 0 unless with them.

    Raises
    ------
    TypeError
        If the layers are not known.
    """
    scales: list[float] = []
    net = network.require_layers()
    for units, inputs in net.layers:
        one = float(width(units, inputs))
        scales += [one] * (units * inputs)
        scales += [one if with_biases else 0.0] * (units * net.bias)
    return np.array(scales)
