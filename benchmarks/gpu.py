"""How fast a GPU trains, by number of lanes.

`PYTHONPATH=. python benchmarks/gpu.py > benchmarks/gpu.txt`; not run yet.

Lanes on a GPU should be as many as still make it faster (`runner.plan._n_lanes`).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import jax
import numpy as np

from runner import load_experiment
from runner.device import require
from runner.engines import compiled
from runner.plan import Plan
from runner.step import HYPERPARAMETERS
from runner.versions import versions

CALLS = 5


def speed(signature, n_lanes: int) -> float:
    """Return millions of lane-steps per second, the median of some calls."""
    signature = replace(signature, n_lanes=n_lanes)
    functions = compiled("pytensor", signature)
    rng = np.random.default_rng(1)
    dtype = signature.dtype
    state = np.zeros((signature.n_rows, n_lanes), dtype)
    state[: signature.architecture.n_parameters] = rng.uniform(
        -1, 1, (signature.architecture.n_parameters, n_lanes)
    )
    hyper = np.full((len(HYPERPARAMETERS), n_lanes), 0.1, dtype)
    targets = rng.integers(0, 2, (signature.n_targets, n_lanes)).astype(dtype)
    steps, limit = np.zeros(n_lanes, np.int32), np.full(n_lanes, 10**6, np.int32)
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        functions.advance(state, steps, limit, hyper, targets)
        times.append(time.perf_counter() - started)
    return n_lanes * signature.n_steps / np.median(times) / 1e6


def main(kind: str = "gpu", most: int = 20) -> None:
    require(kind)
    print(f"{jax.devices()[0].device_kind}; {versions()}")
    for dtype in ("float32", "float64"):
        experiment = {"name": "gpu", "problem": {"gate": "XOR"}, "training": {"dtype": dtype}}
        signature = Plan(load_experiment(experiment)).configurations[0].signature(kind)
        for power in range(10, most + 1, 2):
            print(f"{dtype} 2^{power:<2} lanes {speed(signature, 2**power):10.1f} M lane-steps/s")


if __name__ == "__main__":
    main(*sys.argv[1:2])
