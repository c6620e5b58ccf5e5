"""How fast a GPU trains, by number of lanes, beside plain JAX `vmap` on the same device.

    PYTHONPATH=. python benchmarks/gpu.py [gpu|cpu] [LARGEST_POWER] > benchmarks/results/NAME.txt

Not run on a GPU yet. Lanes there should be as many as still make it faster
(`runner.experiment.batch_sizes.n_lanes`). On a CPU it shows that the script works: the way through
JAX is the same.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import jax
import numpy as np
from bench import vmap

from runner import load_experiment
from runner.engines.devices import require
from runner.engines.registry import compiled
from runner.engines.versions import versions
from runner.experiment.plan import Plan
from runner.network.signature import HYPERPARAMETERS

CALLS = 5


def speed(signature, n_lanes: int) -> float:
    """Return what the compiled function does."""
    signature = replace(signature, n_lanes=n_lanes)
    functions = compiled("pytensor-jax", signature)
    rng = np.random.default_rng(1)
    dtype = signature.dtype
    state = np.zeros((signature.n_rows, n_lanes), dtype)
    state[: signature.architecture.n_parameters] = rng.uniform(
        -1, 1, (signature.architecture.n_parameters, n_lanes)
    )
    hyper = np.full((len(HYPERPARAMETERS), n_lanes), 0.1, dtype)
    targets = rng.integers(0, 2, (signature.n_targets, n_lanes)).astype(dtype)
    steps, limit = np.zeros(n_lanes, np.int32), np.full(n_lanes, 10**6, np.int32)

    def work() -> float:
        functions.advance(state, steps, limit, hyper, targets)
        return float(n_lanes * signature.n_steps)

    return rate(work)


def rate(work) -> float:
    """Return millions of lane-steps per second, the median of some calls after the first."""
    work()
    rates = []
    for _ in range(CALLS):
        started = time.perf_counter()
        steps = work()
        rates.append(steps / (time.perf_counter() - started) / 1e6)
    return float(np.median(rates))


def main(kind: str = "gpu", most: str = "23") -> None:
    require(kind)
    print(f"{jax.devices()[0].device_kind}; {versions()}")
    for dtype in ("float32", "float64"):
        experiment = {"name": "gpu", "problem": {"gate": "XOR"}, "training": {"dtype": dtype}}
        signature = Plan(load_experiment(experiment)).configurations[0].signature(kind)
        for power in range(10, int(most) + 1, 2):
            ours, theirs = speed(signature, 2**power), rate(vmap(dtype, 2**power))
            print(f"{dtype} 2^{power:<2} lanes {ours:10.1f} M lane-steps/s, vmap {theirs:10.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
