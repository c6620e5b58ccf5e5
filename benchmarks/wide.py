"""Wider and deeper networks: both layouts beside JAX's vmap and batched PyTorch, in one run.

    PYTHONPATH=. python benchmarks/wide.py [--rounds 5] [--dtype float64] [--only WAY,...] CASE ...

A case is GATE:HIDDEN, such as XOR:16 or PARITY-4:8,8, or FILE.csv:HIDDEN. Sigmoid units, mean
cross-entropy, plain gradient descent, one computing thread each. Times are the process's CPU time;
the ways take their turn in every round, and medians are told. PyTorch is left out where it is
missing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

from runner.engines.registry import compiled
from runner.experiment.batch_sizes import n_lanes as lanes_of
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.network.signature import HYPERPARAMETERS

RATE = 0.5
Work = Callable[[], float]  # does a piece of work, returns how many restart-steps it was


def plan(case: str, dtype: str, *, restarts: int = 1, max_steps: int = 10**6) -> Plan:
    gate, _, hidden = case.partition(":")
    widths = [int(n) for n in hidden.split(",") if n]
    training = {"learning_rate": RATE, "max_steps": max_steps, "dtype": dtype}
    problem = {"table" if gate.endswith(".csv") else "gate": gate}
    content = {"name": "wide", "restarts": restarts, "problem": problem}
    content |= {"network": {"hidden": widths}, "training": training}
    return Plan(load_experiment(content))


def configuration(case: str, dtype: str):
    return plan(case, dtype).configurations[0]


def products(c) -> int:
    return c.table.n_patterns * c.architecture.n_parameters


def ours(c, layout: str) -> Work:
    signature = c.signature()
    if layout != signature.layout:
        n_lanes = lanes_of(layout, products(c), "cpu")
        signature = replace(signature, layout=layout, n_lanes=n_lanes)
    functions = compiled("pytensor", signature)
    n = together(c) if functions.any_lanes else signature.n_lanes  # XLA is given as many as fit
    state = signature.state.start(c.starts(1).draw(0, n), np.full(n, RATE))
    hyper = np.zeros((len(HYPERPARAMETERS), n), signature.dtype)
    hyper[0] = RATE
    targets = np.repeat(c.table.targets.ravel()[:, np.newaxis], n, axis=1).astype(signature.dtype)
    steps, limit = np.zeros(n, np.int32), np.full(n, signature.n_steps, np.int32)
    functions.evaluate(state.astype(float), hyper.astype(float), targets.astype(float))

    def work() -> float:
        functions.advance(state, steps, limit, hyper, targets)
        return float(n * signature.n_steps)

    return work


def lanes(c) -> Work:
    return ours(c, "lanes")


def stacked(c) -> Work:
    return ours(c, "stacked")


def blocks(c, n: int) -> list[np.ndarray]:
    """Weights (n, units, inputs) and biases (n, units), layer by layer."""
    flat = c.starts(1).draw(0, n).T.astype(c.signature().dtype)
    shaped = []
    for rows, shape in c.architecture.blocks():
        shaped.append(np.ascontiguousarray(flat[:, rows]).reshape((n, *shape)))
    return shaped


def together(c) -> int:
    return int(np.clip(2**19 // products(c), 64, 1024))


def vmap(c) -> Work:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # else float64 would be float32
    dtype = c.signature().dtype
    n, x = together(c), jnp.asarray(c.table.inputs, dtype)
    t = jnp.asarray(c.table.targets[:, 0], dtype)

    def loss(p):
        signal = x
        for w, b in zip(p[:-2:2], p[1:-2:2], strict=True):
            signal = jax.nn.sigmoid(signal @ w.T + b)
        z = (signal @ p[-2].T + p[-1])[:, 0]
        return jnp.mean(jax.nn.softplus(z) - t * z)

    gradient, rate = jax.vmap(jax.grad(loss)), jnp.asarray(RATE, dtype)

    def step(_, p):
        return [q - rate * g for q, g in zip(p, gradient(p), strict=True)]

    run = jax.jit(lambda p: jax.lax.fori_loop(0, 100, step, p))
    first = [jnp.asarray(b) for b in blocks(c, n)]

    def work() -> float:
        jax.block_until_ready(run(first))
        return 100.0 * n

    return work


def torch_batched(c) -> Work:
    import torch

    torch.set_num_threads(1)
    dtype = getattr(torch, c.signature().dtype)
    n, x = together(c), torch.tensor(c.table.inputs, dtype=dtype)
    t = torch.tensor(c.table.targets[:, 0], dtype=dtype)
    first = blocks(c, n)

    def work() -> float:
        p = [torch.tensor(b, requires_grad=True) for b in first]
        for _ in range(20):
            signal = x.expand(n, *x.shape)
            for w, b in zip(p[:-2:2], p[1:-2:2], strict=True):
                signal = torch.sigmoid(torch.baddbmm(b[:, None], signal, w.transpose(1, 2)))
            z = torch.baddbmm(p[-1][:, None], signal, p[-2].transpose(1, 2))[:, :, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                z, t.expand_as(z), reduction="none"
            )
            gradients = torch.autograd.grad(loss.mean(dim=1).sum(), p)
            with torch.no_grad():
                for q, g in zip(p, gradients, strict=True):
                    q -= RATE * g
        return 20.0 * n

    return work


WAYS = {"lanes": lanes, "stacked": stacked, "vmap": vmap, "torch": torch_batched}


def measure(case: str, dtype: str, rounds: int, only: list[str]) -> None:
    c = configuration(case, dtype)
    ready: dict[str, Work] = {}
    compile_s: dict[str, float] = {}
    for name in only:
        started = time.process_time()
        try:
            work = WAYS[name](c)
        except ImportError:
            continue
        work()
        ready[name], compile_s[name] = work, time.process_time() - started
    spent: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, work in ready.items():
            started, steps = time.process_time(), 0.0
            while time.process_time() - started < 0.1:
                steps += work()
            spent[name].append(1e6 * (time.process_time() - started) / steps)
    cells = ""
    for name in WAYS:
        if name in ready:
            cells += f"{statistics.median(spent[name]):9.3f} ({compile_s[name]:5.1f})"
        else:
            cells += f"{'':>17s}"
    print(f"{case:16s}{products(c):8,d}  {c.signature().layout:8s}{cells}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="+", metavar="CASE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--only", default=",".join(WAYS))
    options = parser.parse_args()
    os.environ["RUNNER_CACHE_DIR"] = ""  # compile times are those of a first run
    heads = "".join(f"{name:>9s} {'':7s}" for name in WAYS)
    print(f"{options.dtype}, CPU µs per restart and step (CPU s until the first call has ended)")
    print(f"{'case':16s}{'products':>8s}  {'chosen':8s}{heads}")
    for case in options.cases:
        measure(case, options.dtype, options.rounds, options.only.split(","))


if __name__ == "__main__":
    main()
