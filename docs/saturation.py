"""Why `rprop` on squared error solves more with vector code: its logistic units never saturate.

    .venv/bin/python docs/saturation.py

XOR 2-3-1 by plain NumPy, 1,000 starts of at most 5,000 steps: once with tanh as it is, which rounds
to exactly 1, and once kept as far below 1 as the vector code's (two units in the last place); then
the vector code itself, with fused multiply-adds and without.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from runner.engines import pytensor
from runner.engines.simd.vectors import Vectors
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.lanes import train
from runner.training.worker import Task, prepare

N, STEPS = 1000, 5000
EXPERIMENT = {
    "name": "saturation",
    "restarts": N,
    "problem": {"gate": "XOR"},
    "network": {"hidden": [3]},
    "loss": {"kind": "squared-error"},
    "training": {
        "optimizer": "rprop",
        "learning_rate": 0.1,
        "max_steps": STEPS,
        "stop_solved": True,
    },
}
PLAN = Plan(load_experiment(EXPERIMENT))
(CONFIGURATION,) = PLAN.configurations
RESTARTS = prepare(Task(PLAN.segments(Batch(0, 0, N)), PLAN.experiment.seed, "pytensor", 0))


def plain(tanh: Callable[[np.ndarray], np.ndarray]) -> float:
    """The share that plain NumPy solves."""
    w, x, t = RESTARTS.starts.copy(), CONFIGURATION.table.inputs, CONFIGURATION.table.targets
    before, size, solved = np.zeros_like(w), np.full_like(w, 0.1), np.zeros(N, bool)
    for _ in range(STEPS):
        h = 0.5 + 0.5 * tanh(0.5 * (np.einsum("pi,hin->phn", x, w[:6].reshape(3, 2, N)) + w[6:9]))
        y = 0.5 + 0.5 * tanh(0.5 * ((h * w[9:12]).sum(1) + w[12]))
        solved |= ((y > 0.5) == (t > 0.5)).all(0)
        d = 0.5 * (y - t) * y * (1 - y)
        e = d[:, np.newaxis] * w[9:12] * h * (1 - h)
        inner = np.einsum("pi,phn->hin", x, e).reshape(6, N)
        g = np.concatenate([inner, e.sum(0), (d[:, np.newaxis] * h).sum(0), d.sum(0)[np.newaxis]])
        turn = g * before
        size = np.clip(size * np.where(turn > 0, 1.2, np.where(turn < 0, 0.5, 1)), 1e-6, 50)
        before = np.where(turn < 0, 0, g)
        w = np.where(solved, w, w - np.sign(before) * size)
    return float(solved.mean())


def vector_code() -> float:
    """The share that vector code solves, compiled anew."""
    functions = pytensor.compile("pytensor", CONFIGURATION.signature(), "cpu")
    return float(train(functions, RESTARTS).solved.mean())


if __name__ == "__main__":
    os.environ["RUNNER_CACHE_DIR"] = ""
    bound = 1 - 2.0**-52
    print(f"plain NumPy                  {plain(np.tanh):.1%}")
    print(f"plain NumPy, tanh kept below {plain(lambda z: np.clip(np.tanh(z), -bound, bound)):.1%}")
    print(f"vector code                  {vector_code():.1%}")
    Vectors.fused = lambda self, a, b, c: self.builder.fadd(self.builder.fmul(a, b), c)
    print(f"vector code, nothing fused   {vector_code():.1%}")
