"""Measure the runner beside other ways to do the same work, in one run on this machine.

    python benchmarks/bench.py [--rounds 5] [--before FILE] [--to benchmarks/results/NAME.json]

The work: XOR on a 2-2-1 logistic network, full batch, mean cross-entropy, plain gradient descent
with rate 2, from the same uniform starts; no restart stops early. One computing thread each. The
figure is millions of restart-steps per CPU second of all processes that a way needs; all ways take
their turn in every round, and the medians of the rounds are compared. What is not installed is left
out and named.

Then the rows of batches.py, from this network to ones of 256,256, beside those of an earlier file.
"""

from __future__ import annotations

import argparse
import atexit
import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import batches
import numpy as np
import psutil

from runner.engines.registry import compiled
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.lanes import train
from runner.training.worker import Task, prepare, train_batch

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
T = np.array([0, 1, 1, 0], float)
RATE = 2.0
Work = Callable[[], float]  # does a piece of work, returns how many restart-steps it was


def experiment(dtype: str, restarts: int, steps: int, **training: bool):
    return load_experiment(
        {
            "name": "bench",
            "restarts": restarts,
            "problem": {"gate": "XOR"},
            "training": {"learning_rate": RATE, "max_steps": steps, "dtype": dtype} | training,
        }
    )


def starts(dtype: str, n: int) -> np.ndarray:
    c = Plan(experiment(dtype, n, 1)).configurations[0]
    return c.starts(1990).draw(0, n).astype(dtype)


def naive(dtype: str) -> Work:
    """One restart at a time, one call of a compiled Theano function per step, as in the lecture."""
    import pytensor
    import pytensor.tensor as pt

    theta = [pytensor.shared(v) for v in (np.zeros((2, 2), dtype), np.zeros(2, dtype))]
    theta += [pytensor.shared(v) for v in (np.zeros(2, dtype), np.asarray(0, dtype))]
    w, b, v, c = theta
    hidden = pt.sigmoid(pt.dot(X.astype(dtype), w.T) + b)
    z = pt.dot(hidden, v) + c
    cost = (pt.softplus(z) - T.astype(dtype) * z).mean()
    rate = np.asarray(RATE, dtype)
    updates = [
        (p, (p - rate * g).astype(dtype)) for p, g in zip(theta, pt.grad(cost, theta), strict=True)
    ]
    step = pytensor.function([], cost, updates=updates)
    first = starts(dtype, 1)[:, 0]

    def work() -> float:
        w.set_value(first[:4].reshape(2, 2))
        b.set_value(first[4:6])
        v.set_value(first[6:8])
        c.set_value(first[8])
        for _ in range(2000):
            step()
        return 2000.0

    return work


def vmap(dtype: str, lanes: int = 1024) -> Work:
    """Plain JAX: vmap of grad, in a fori_loop, compiled as a whole."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # else float64 would be float32
    x, t = jnp.asarray(X, dtype), jnp.asarray(T, dtype)

    def loss(p):
        hidden = jax.nn.sigmoid(x @ p[:4].reshape(2, 2).T + p[4:6])
        z = hidden @ p[6:8] + p[8]
        return jnp.mean(jax.nn.softplus(z) - t * z)

    gradient = jax.vmap(jax.grad(loss))
    rate = jnp.asarray(RATE, dtype)
    run = jax.jit(lambda p: jax.lax.fori_loop(0, 500, lambda _, q: q - rate * gradient(q), p))
    first = jnp.asarray(starts(dtype, lanes).T)

    def work() -> float:
        run(first).block_until_ready()
        return lanes * 500.0

    return work


def torch_batched(dtype: str) -> Work:
    """PyTorch: restarts as a batch dimension, gradients by autograd."""
    import torch

    torch.set_num_threads(1)
    kind = getattr(torch, dtype)
    x, t = torch.tensor(X, dtype=kind), torch.tensor(T, dtype=kind)
    n = 4096
    first = starts(dtype, n).T
    blocks = [first[:, :4].reshape(n, 2, 2), first[:, 4:6], first[:, 6:8], first[:, 8:]]

    def work() -> float:
        w, b, v, c = (torch.tensor(np.ascontiguousarray(p), requires_grad=True) for p in blocks)
        for _ in range(50):
            hidden = torch.sigmoid(x @ w.transpose(1, 2) + b[:, None, :])
            z = (hidden @ v[:, :, None])[:, :, 0] + c
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                z, t.expand_as(z), reduction="none"
            )
            gradients = torch.autograd.grad(loss.mean(dim=1).sum(), (w, b, v, c))
            with torch.no_grad():
                for p, g in zip((w, b, v, c), gradients, strict=True):
                    p -= RATE * g
        return 50.0 * n

    return work


def sklearn_restarts(dtype: str) -> Work:
    """scikit-learn's MLPClassifier, one fit per restart."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    x, y = X.astype(dtype), T.astype(int)

    def work() -> float:
        steps = 0
        for seed in range(3):
            net = MLPClassifier(
                (2,),
                activation="logistic",
                solver="sgd",
                alpha=0,
                batch_size=4,
                learning_rate_init=RATE,
                momentum=0,
                max_iter=300,
                tol=0,
                n_iter_no_change=1000,
                random_state=seed,
            )
            steps += net.fit(x, y).n_iter_
        return float(steps)

    return work


def ray_tune(dtype: str) -> Work:
    """Ray Tune: one trial per restart, each by plain NumPy, 1000 steps."""
    import logging

    import ray
    from ray import tune

    if not ray.is_initialized():
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        ray.init(num_cpus=1, include_dashboard=False, **quiet)
        atexit.register(ray.shutdown)
    first = starts(dtype, 4)
    x, t = X.astype(dtype), T.astype(dtype)

    def restart(config: dict) -> None:
        p = first[:, config["restart"]].copy()
        w, b, v, c = p[:4].reshape(2, 2), p[4:6], p[6:8], p[8:]
        rate = np.asarray(RATE, dtype)
        for _ in range(1000):
            hidden = 1 / (1 + np.exp(-(x @ w.T + b)))
            y = 1 / (1 + np.exp(-(hidden @ v + c)))
            dz = (y - t) / len(t)
            dh = np.outer(dz, v) * hidden * (1 - hidden)
            v -= rate * (dz @ hidden)
            c -= rate * dz.sum()
            w -= rate * (dh.T @ x)
            b -= rate * dh.sum(axis=0)
        tune.report({"loss": float(-np.log(np.where(t > 0, y, 1 - y)).mean())})

    def work() -> float:
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
            tuner = tune.Tuner(
                restart,
                param_space={"restart": tune.grid_search(list(range(4)))},
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
            )
            assert len(tuner.fit()) == 4
        return 4 * 1000.0

    return work


def c_kernel(dtype: str) -> Work:
    """Hand-written C, one restart per SIMD lane: the limit."""
    folder = Path(tempfile.mkdtemp())
    real = "float" if dtype == "float32" else "double"
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-shared", "-fPIC"]
    source = Path(__file__).with_name("kernel.c")
    library = folder / "kernel.so"
    command = ["cc", *flags, f"-DREAL={real}", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    kernel = ctypes.CDLL(str(library)).train
    kernel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    first, rates = starts(dtype, 1024), np.full(1024, RATE, dtype)
    check_kernel(kernel, dtype)

    def work() -> float:
        theta = first.copy()
        kernel(theta.ctypes.data, rates.ctypes.data, 1024, 2000)
        return 1024.0 * 2000

    return work


def check_kernel(kernel, dtype: str) -> None:
    """The kernel's weights after 50 steps are those of the compiled function."""
    theta, rates = starts(dtype, 1024).copy(), np.full(1024, RATE, dtype)
    kernel(theta.ctypes.data, rates.ctypes.data, 1024, 50)
    plan = Plan(experiment(dtype, 1024, 50))
    ours = train(*_ready(plan, 1024)).state[:9]
    np.testing.assert_allclose(theta, ours, atol=2e-3 if dtype == "float32" else 1e-6)


def _ready(plan: Plan, n: int, engine: str = "pytensor"):
    c = plan.configurations[0]
    task = Task(plan.segments(Batch(0, 0, n)), 1990, engine, 0)
    return compiled(engine, c.signature()), prepare(task)


def compiled_by_jax(dtype: str) -> Work:
    """Ours, the same graph through PyTensor's JAX backend."""
    return compiled_function(dtype, "pytensor-jax")


def compiled_function(dtype: str, engine: str = "pytensor") -> Work:
    """Ours: the compiled function alone, called again and again where a call has its steps."""
    plan = Plan(experiment(dtype, 1024, 2000))
    functions, restarts = _ready(plan, 1024, engine)
    s = functions.signature
    state = s.state.start(restarts.starts, restarts.hyper[0])
    hyper = restarts.hyper.astype(dtype)
    targets = np.repeat(restarts.targets.T, s.n_lanes, axis=1).astype(dtype)
    steps = np.zeros(s.n_lanes, np.int32)

    def work() -> float:
        now, count = state, steps
        while count[0] < 2000:
            now, count, _ = functions.advance(now, count, restarts.max_steps, hyper, targets)
        return float(count.sum())

    return work


def whole_batch(dtype: str, **training: bool) -> Work:
    """Ours: train_batch, from starts to a Parquet shard; useful steps only."""
    plan = Plan(experiment(dtype, 8192, 4000, **training))
    task = Task(plan.segments(Batch(0, 0, 8192)), 1990, "pytensor", 0)

    def work() -> float:
        return float(train_batch(task).telemetry["restart_steps"])

    return work


def stopped_batch(dtype: str) -> Work:
    """Ours: the same, where restarts stop as soon as they are solved, at very different times."""
    return whole_batch(dtype, stop_solved=True)


def whole_sweep(dtype: str) -> Work:
    """Ours: a sweep on one worker process, from the experiment to the study on disk."""
    from distributed import Client, LocalCluster

    import runner

    cluster = LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        resources={"CPU": 1},
    )
    client = Client(cluster)
    atexit.register(cluster.close)
    atexit.register(client.close)
    what = experiment(dtype, 65_536, 4000)

    def work() -> float:
        with tempfile.TemporaryDirectory() as folder:
            study = runner.sweep(what, Path(folder) / "study", client)
            lines = study.path.joinpath("telemetry", "batches.jsonl").read_text().splitlines()
        return float(sum(json.loads(line)["restart_steps"] for line in lines))

    return work


WAYS: dict[str, Callable[[str], Work]] = {
    "one restart, one call per step": naive,
    "scikit-learn MLPClassifier": sklearn_restarts,
    "Ray Tune, one trial per restart": ray_tune,
    "PyTorch, restarts batched": torch_batched,
    "JAX vmap(grad) in fori_loop": vmap,
    "runner: compiled by JAX": compiled_by_jax,
    "C kernel (the limit)": c_kernel,
    "runner: compiled function": compiled_function,
    "runner: train_batch": whole_batch,
    "runner: train_batch, early stops": stopped_batch,
    "runner: sweep, one worker": whole_sweep,
}


STARTED: dict[str, set[int]] = {}
"""Processes that a way has started, by its name; they stay until the end."""


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def cpu_seconds(name: str) -> float:
    """CPU time of this process so far, and of those that a way has started."""
    total = time.process_time()
    for pid in STARTED[name]:
        root = psutil.Process(pid)
        for each in (root, *root.children(recursive=True)):
            try:
                total += sum(each.cpu_times()[:4])  # with that of children which have ended
            except psutil.Error:  # it has just ended, and is among its parent's
                continue
    return total


def prepared(dtype: str) -> Iterator[tuple[str, Work]]:
    for name, make in WAYS.items():
        before = _children()
        try:
            work = make(dtype)
            work()
        except (ImportError, FileNotFoundError) as error:
            print(f"left out: {name} ({error})", file=sys.stderr)
            continue
        STARTED.setdefault(name, set()).update(_children() - before)
        yield name, work


def measure(dtype: str, rounds: int) -> dict[str, list[float]]:
    ways = dict(prepared(dtype))
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            started = cpu_seconds(name)
            steps = work()
            rates[name].append(steps / (cpu_seconds(name) - started) / 1e6)
    return rates


def machine() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    batches.add_options(parser)
    options = parser.parse_args()
    before = batches.earlier(options.before)  # --to may name the same file
    results = {dtype: measure(dtype, options.rounds) for dtype in ("float32", "float64")}
    print(
        f"{machine()}, {date.today()}, M restart-steps per CPU second, median of {options.rounds}"
    )
    names = results["float32"]
    limit = {
        d: statistics.median(r["C kernel (the limit)"])
        for d, r in results.items()
        if "C kernel (the limit)" in r
    }
    print(f"{'':34s}" + "".join(f"{d:>12s}{'of limit':>10s}" for d in results))
    for name in names:
        cells = ""
        for dtype, rates in results.items():
            median = statistics.median(rates[name])
            share = f"{median / limit[dtype]:.3f}" if dtype in limit else ""
            cells += f"{median:12.3f}{share:>10s}"
        print(f"{name:34s}{cells}")
    print("\nCPU µs per restart and step; shares of the function's rate")

    def keep(rows: dict[str, dict[str, list[float]]]) -> None:
        content = {
            "machine": machine(),
            "date": str(date.today()),
            "python": platform.python_version(),
            "unit": "M restart-steps per CPU second; batches: CPU us per restart and step",
            "rounds": results,
            "batches": rows,
        }
        if options.to is not None:
            options.to.write_text(json.dumps(content, indent=1) + "\n")

    batches.table(options.cases, options.rounds, before, keep)


if __name__ == "__main__":
    main()
