"""Networks evaluated in NumPy, for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.network.architecture import Architecture
from runner.network.forward import signals
from runner.network.layouts.lanes import Lanes
from runner.network.loss_kind import LossKind
from runner.network.numpy_namespace import NUMPY

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration


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
    last = signals(architecture, inputs, weights[:, np.newaxis])[-1]
    return last[:, :, 0].T


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
    table, settings = configuration.table, configuration.settings
    kind = LossKind(settings.loss.kind, settings.loss.reduction)
    lanes = Lanes(configuration.architecture, table.inputs, kind, "float64")
    targets = list(np.broadcast_to(table.targets.ravel()[:, None], (table.targets.size, 1)))
    with np.errstate(over="ignore", invalid="ignore"):
        pre, out = lanes.forward(NUMPY, list(weights), targets)
        loss = lanes.factor * lanes.loss(NUMPY, pre, out, targets)
        if not settings.loss.has_bound_biases:
            weights = weights[~configuration.architecture.biases]
        return np.asarray(loss + settings.loss.l2 * (weights**2).sum(axis=0), np.float64)
