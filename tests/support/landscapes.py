"""A problem with finite minima, as the runner sees it and as plain NumPy does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import minimize, root
from support.plain import Net

from runner.engines.registry import measured
from runner.experiment.configuration import Configuration
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.loss_surface import LossSurface

REGULARISED: dict[str, Any] = {
    "name": "regularised",
    "restarts": 400,
    "problem": {"gate": "XOR", "inputs": [-1, 1], "targets": [-0.8, 0.8]},
    "network": {"activation": "tanh", "output": "tanh"},
    "loss": {"kind": "squared-error", "l2": 0.001},
    "training": {"learning_rate": 0.3, "max_steps": 1500},
}
N_LANES = 64


def configuration(**sections: Any) -> Configuration:
    """Make the only configuration of an experiment: the regularised one, with changes."""
    content = {**REGULARISED, **sections}
    return Plan(load_experiment(content)).configurations[0]


def surface(c: Configuration, n: int) -> LossSurface:
    """Make n surfaces of a configuration."""
    signature = replace(c.signature().measured, n_lanes=N_LANES)
    targets = np.repeat(c.table.targets.reshape(-1, 1), n, axis=1)
    return LossSurface(
        measured("pytensor", signature), np.repeat(c.hyper[:, None], n, axis=1), targets
    )


def plain(c: Configuration) -> Net:
    """Make the same problem for the tests' own NumPy."""
    network, loss = c.settings.network, c.settings.loss
    return Net(
        tuple(network.hidden),
        network.activation,
        network.output,
        loss.kind,
        loss.reduction,
        np.array(c.table.inputs),
        np.array(c.table.targets),
        loss.l2,
        network.skip,
        l2_biases=loss.l2_biases is not False,
    )


def numerical_hessian(net: Net, theta: np.ndarray, h: float = 1e-5) -> np.ndarray:
    basis = np.eye(len(theta)) * h
    rows = [(net.gradient(theta + e) - net.gradient(theta - e)) / (2 * h) for e in basis]
    return 0.5 * (np.array(rows) + np.array(rows).T)


def saddle(c: Configuration) -> np.ndarray:
    """Find a saddle by SciPy's root finder on plain NumPy's gradient."""
    net = plain(c)
    rng = np.random.default_rng(12)
    for _ in range(200):
        found = root(net.gradient, rng.uniform(-2, 2, net.size), method="lm", tol=1e-14)
        values = np.linalg.eigvalsh(numerical_hessian(net, found.x))
        regular = values[0] < -1e-3 and np.abs(values).min() > 1e-4
        if regular and np.abs(net.gradient(found.x)).max() < 1e-10:
            return np.asarray(found.x)
    raise AssertionError("no saddle found")


@cache
def searched() -> list[np.ndarray]:
    """Find minima of the regularised problem by SciPy alone, from 120 starts."""
    net = plain(configuration())
    ends = []
    for start in np.random.default_rng(77).uniform(-1, 1, (120, net.size)):
        end = minimize(net.loss, start, jac=net.gradient, options={"gtol": 1e-9, "maxiter": 2000})
        if np.linalg.eigvalsh(numerical_hessian(net, end.x))[0] > 1e-5:
            ends.append(end.x)
    return ends


def function(c: Configuration, theta: np.ndarray) -> tuple[float, ...]:
    """What a network computes on a grid of inputs, rounded.

    Two networks of tanh units do the same if and only if a symmetry turns one into the other.
    """
    net = plain(c)
    net.x = np.stack(np.meshgrid(*[np.linspace(-2, 2, 5)] * 2), axis=-1).reshape(-1, 2)
    return tuple(np.round(net.outputs(theta).ravel(), 3) + 0.0)
