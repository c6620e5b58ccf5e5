"""Networks evaluated in NumPy, for pictures: the same expressions that the engines compile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.network.architecture import Architecture, LossKind
from runner.network.layouts import Lanes

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration

# The tensor namespace that `runner.network.architecture` and `Lanes` ask for.
_NUMPY: Any = SimpleNamespace(
    **{name: getattr(np, name) for name in ("tanh", "exp", "log", "log1p", "maximum")},
    gt=np.greater,
    switch=np.where,
    cast=lambda x, dtype: np.asarray(x, dtype),
)


def network_outputs(
    architecture: Architecture, weights: np.ndarray, inputs: np.ndarray
) -> np.ndarray:
    """Outputs of one network.

    Parameters
    ----------
    architecture : Architecture
    weights : ndarray, shape (n_parameters,), float64
        In storage order.
    inputs : ndarray, shape (n, n_inputs), float64

    Returns
    -------
    ndarray, shape (n, n_outputs), float64
    """
    # inputs as lanes: a layer without biases' vectors would need another graph, so each input
    # point is one lane whose first-layer biases hold what the point adds to them
    n = len(inputs)
    group = [np.full(n, w) for w in weights]
    blocks = architecture.blocks()
    first, last = 0, len(architecture.layers) - 1
    for layer in {first, last} if architecture.skip else {first}:
        rows, (units, width) = blocks[2 * layer]
        biases, _ = blocks[2 * layer + 1]
        matrix = np.asarray(weights[rows]).reshape(units, width)[:, width - architecture.n_inputs :]
        for unit, row in enumerate(range(biases.start, biases.stop)):
            group[row] = group[row] + inputs @ matrix[unit]
    zero = np.zeros((1, architecture.n_inputs))
    _, out = Lanes(architecture, zero, "float64").forward(_NUMPY, group)
    return np.stack([np.broadcast_to(y, (n,)) for y in out], axis=1)


def network_losses(configuration: Configuration, weights: np.ndarray) -> np.ndarray:
    """Losses of one configuration at many points.

    Parameters
    ----------
    configuration : Configuration
    weights : ndarray, shape (n_parameters, n), float64

    Returns
    -------
    ndarray, shape (n,), float64
        The L2 term included.
    """
    net, settings = configuration.architecture, configuration.settings
    kind = LossKind(settings.loss.kind, settings.loss.reduction)
    table = configuration.table
    lanes = Lanes(net, table.inputs, "float64")
    targets = list(np.broadcast_to(table.targets.ravel()[:, None], (table.targets.size, 1)))
    with np.errstate(over="ignore", invalid="ignore"):
        pre, out = lanes.forward(_NUMPY, list(weights))
        loss = kind.factor(net, table.n_patterns) * lanes.loss(_NUMPY, kind, pre, out, targets)
        return np.asarray(loss + settings.loss.l2 * (weights**2).sum(axis=0), np.float64)
