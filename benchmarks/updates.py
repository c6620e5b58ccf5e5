"""Measure every update rule beside a hand-written C kernel of the same work, in one run.

    python benchmarks/updates.py [--rounds 5]

As bench.py: XOR on a 2-2-1 logistic network, the same starts, one computing thread each, ways take
turns, medians of the rounds; millions of epochs per restart and second. The runner looks for
outputs that are not finite before every epoch, which the kernel does not.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from bench import Batch, Plan, Task, compiled, load_experiment, prepare

HERE = Path(__file__).parent
RULES = {
    "gradient-descent": ("DESCENT", 1.0, 0.0),
    "momentum": ("MOMENTUM", 0.5, 0.9),
    "nesterov": ("NESTEROV", 0.5, 0.9),
    "rmsprop": ("RMSPROP", 0.01, 0.0),
    "adam": ("ADAM", 0.01, 0.0),
    "rprop": ("RPROP", 0.1, 0.0),
}
N, EPOCHS = 4096, 2000


def ours(rule: str, dtype: str, patterns: bool):
    _, rate, momentum = RULES.get(rule, ("", 0.5, 0.0))
    training = {
        "optimizer": rule,
        "learning_rate": rate,
        "momentum": momentum,
        "max_steps": EPOCHS * (4 if patterns else 1),
        "dtype": dtype,
    } | ({"patterns_per_update": 1} if patterns else {})
    content = {"name": "b", "restarts": N, "problem": {"gate": "XOR"}, "training": training}
    plan = Plan(load_experiment(content))
    (configuration,) = plan.configurations
    restarts = prepare(Task(plan.segments(Batch(0, 0, N)), 1990, "pytensor", 0))
    functions = compiled("pytensor", configuration.signature())
    signature = functions.signature
    state = signature.state.start(restarts.starts, restarts.hyper[0])
    hyper, targets = (
        np.ascontiguousarray(x, dtype) for x in (restarts.hyper, restarts.targets_of())
    )
    steps, limit = np.zeros(N, np.int32), np.full(N, EPOCHS, np.int32)

    def work() -> np.ndarray:
        return functions.advance(state, steps, limit, hyper, targets)[0][:9]

    return work, restarts.starts.astype(dtype)


def kernel(rule: str, dtype: str, patterns: bool, starts: np.ndarray):
    name, rate, momentum = RULES[rule]
    real = {"float32": "float", "float64": "double"}[dtype]
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/updates.so"
        flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-shared", "-fPIC"]
        flags += [f"-DREAL={real}", f"-DRULE={name}", *(["-DPATTERNS"] if patterns else [])]
        command = ["cc", *flags, str(HERE / "updates.c"), "-o", library, "-lm"]
        subprocess.run(command, check=True)
        run = ctypes.CDLL(library).train
    run.argtypes = [ctypes.c_void_p] * 7 + [ctypes.c_size_t] * 2

    def work() -> np.ndarray:
        theta = np.ascontiguousarray(starts)
        slots = [np.zeros((9, N), dtype), np.full((9, N), rate if rule == "rprop" else 0.0, dtype)]
        lanes = [np.ones(N, dtype), np.ones(N, dtype)]
        lanes += [np.full(N, rate, dtype), np.full(N, momentum, dtype)]
        theta = theta.copy()
        run(*(a.ctypes.data for a in (theta, *slots, *lanes)), N, EPOCHS)
        return theta

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| rule | update after | dtype | runner | C | runner / C | same end |")
    print("|---|---|---|---|---|---|---|")
    for patterns in (False, True):
        for rule in RULES:
            for dtype in ("float32", "float64"):
                own, starts = ours(rule, dtype, patterns)
                other = kernel(rule, dtype, patterns, starts)
                times: list[list[float]] = [[], []]
                for _ in range(rounds):
                    for work, taken in zip((own, other), times, strict=True):
                        begun = time.process_time()
                        work()
                        taken.append(time.process_time() - begun)
                near = np.isclose(own(), other(), rtol=1e-2, atol=1e-2).all(axis=0).mean()
                rates = [N * EPOCHS / statistics.median(taken) / 1e6 for taken in times]
                after = "each pattern" if patterns else "all patterns"
                cells = [rule, after, dtype, *(f"{rate:.1f}" for rate in rates)]
                cells += [f"{rates[0] / rates[1]:.2f}", f"{near:.0%}"]
                print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
