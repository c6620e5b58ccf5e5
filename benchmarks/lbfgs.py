"""Measure minima per CPU second: L-BFGS in lanes, scipy's, pele's, each in a process of its own.

    python benchmarks/lbfgs.py runner
    python benchmarks/lbfgs.py scipy
    python benchmarks/lbfgs.py pele    # in an environment with pele 0.1.2, scipy and numpy alone

XOR on a 2-2-1 tanh network, inputs ±1, targets ±0.8, sum of squared errors and 0.05 times the sum
of squared weights, from normal starts to a gradient of 1e-9, float64. Prints the rate, how many
came there and how many different losses they have. Run them in turns.
"""

from __future__ import annotations

import sys
import time

import numpy as np

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], float)
T = np.array([-0.8, 0.8, 0.8, -0.8])
L2, TOLERANCE = 0.05, 1e-9
CALLS = 400
"""Minimisations of those that take one start at a time."""


def loss_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
    w1, b1, w2, b2 = theta[:4].reshape(2, 2), theta[4:6], theta[6:8], theta[8]
    hidden = np.tanh(X @ w1.T + b1)
    out = np.tanh(hidden @ w2 + b2)
    error = out - T
    delta = 2 * error * (1 - out * out)
    back = np.outer(delta, w2) * (1 - hidden * hidden)
    parts = ((back.T @ X).ravel(), back.sum(axis=0), delta @ hidden, [delta.sum()])
    gradient = np.concatenate(parts) + 2 * L2 * theta
    return float(error @ error + L2 * theta @ theta), gradient


def shown(way: str, seconds: float, losses: np.ndarray, slopes: np.ndarray) -> None:
    there = slopes <= 10 * TOLERANCE
    kinds = len(np.unique(losses[there].round(6)))
    rate = there.sum() / seconds
    print(f"{way}: {rate:,.0f} minima per CPU second, {there.mean():.1%} there, {kinds} losses")


def one_by_one(way: str) -> None:
    if way == "scipy":
        from scipy.optimize import minimize

        options = {"gtol": TOLERANCE, "ftol": 0.0, "maxiter": 10_000}

        def quench(start: np.ndarray) -> np.ndarray:
            return minimize(
                loss_and_gradient, start, jac=True, method="L-BFGS-B", options=options
            ).x
    else:
        from pele.optimize import lbfgs_cpp
        from pele.potentials import BasePotential

        class Surface(BasePotential):
            def getEnergy(self, x: np.ndarray) -> float:
                return loss_and_gradient(x)[0]

            def getEnergyGradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
                return loss_and_gradient(x)

        surface = Surface()

        def quench(start: np.ndarray) -> np.ndarray:
            return lbfgs_cpp(start, surface, tol=TOLERANCE, nsteps=10_000).coords

    starts = np.random.default_rng(1).normal(size=(CALLS, 9))
    quench(starts[0])
    begun = time.process_time()
    ends = [quench(start) for start in starts]
    seconds = time.process_time() - begun
    seen = [loss_and_gradient(end) for end in ends]
    slopes = np.array([np.abs(gradient).max() for _, gradient in seen])
    shown(way, seconds, np.array([loss for loss, _ in seen]), slopes)


def in_lanes() -> None:
    from bench import Batch, Plan, Task, compiled, load_experiment, prepare

    from runner.training.lanes import train

    n = 4096
    content = {
        "name": "b",
        "restarts": n,
        "problem": {"gate": "XOR", "inputs": [-1, 1], "targets": [-0.8, 0.8]},
        "network": {"activation": "tanh", "output": "tanh"},
        "loss": {"kind": "squared-error", "reduction": "sum", "l2": L2},
        "init": {"distribution": "normal"},
        "training": {"optimizer": "lbfgs", "stop_gradient": TOLERANCE, "max_steps": 10_000},
    }
    plan = Plan(load_experiment(content))
    (configuration,) = plan.configurations
    restarts = prepare(Task(plan.segments(Batch(0, 0, n)), 1990, "pytensor", 0))
    functions = compiled("pytensor", configuration.signature())
    train(functions, restarts)
    begun = time.process_time()
    ended = train(functions, restarts)
    seconds = time.process_time() - begun
    shown("runner", seconds, ended.seen.loss, np.abs(ended.seen.gradient).max(axis=0))


if __name__ == "__main__":
    (way,) = sys.argv[1:]
    in_lanes() if way == "runner" else one_by_one(way)
