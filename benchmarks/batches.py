"""Whole batches beside the compiled function alone, networks from 2 units to 256,256, in one run.

    PYTHONPATH=. python benchmarks/batches.py [--rounds 3] [CASE ...]

A row is a case of wide.py; `float64 CASE` is trained in that dtype. Ways, which take their turn in
every round: the compiled function, called once for all steps of all restarts of a batch; what a
worker does with the batch, from starts to its Parquet file, with a curve of no restart and with
those of all, in a process that keeps what it frees, as workers do; JAX's vmap and batched PyTorch
of wide.py, where they are installed. CPU time of one thread, 1,000 steps, no early stops. Before
each of the function's turns the core's multiply-adds are measured (peak.py). A ratio is one of two
neighbours in a round, of which medians are told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import peak
import wide

from runner.cluster.freed_memory import keep_freed_memory
from runner.engines.registry import compiled
from runner.engines.simd.hypercube_layers import hypercube_of
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.training.worker import Task, prepare, train_batch

STEPS = 1000
RANDOM = "128 patterns"
FLOAT32 = (
    "XOR:2",
    "XOR:4",
    "XOR:8",
    "PARITY-3:4",
    "XOR:16",
    "XOR:4,4,4,4",
    "XOR:32",
    "XOR:8,8,8",
    "PARITY-4:8",
    "XOR:64",
    "XOR:16,16",
    "PARITY-5:8",
    "XOR:16,16,16,16",
    "XOR:256",
    "PARITY-7:8",
    "PARITY-8:16",
    "PARITY-6:32,32",
    "XOR:256,256",
    "PARITY-8:64,64",
)
FLOAT64 = (
    "XOR:2",
    "XOR:4",
    "XOR:16",
    "XOR:8,8,8",
    "PARITY-4:8",
    "XOR:64",
    "PARITY-5:8",
    "XOR:256",
    "PARITY-8:16",
    "XOR:256,256",
    "PARITY-8:64,64",
)
CASES = [*FLOAT32, f"{RANDOM}:256,256", *(f"float64 {case}" for case in FLOAT64)]
PEERS = {"vmap": wide.vmap, "PyTorch": wide.torch_batched}
OURS = ("function", "batch", "batch, all curves")
PEAK = "multiply-adds"

Work = Callable[[], float]  # does a piece of work, returns how many restart-steps it was


def random_table(folder: str) -> Path:
    """Write 128 random patterns of six inputs and a bit each, the same every time."""
    rng = np.random.default_rng(1)
    names = [*(f"x{i}" for i in range(6)), "y"]
    rows = np.column_stack([rng.uniform(-1, 1, (128, 6)), rng.integers(0, 2, 128)])
    path = Path(folder) / "patterns.csv"
    np.savetxt(
        path, rows, fmt=["%.6f"] * 6 + ["%d"], delimiter=",", header=",".join(names), comments=""
    )
    return path


def plan_of(case: str) -> Plan:
    """Return the plan of a case, of as many restarts as take a second, about."""
    *words, name = case.rsplit(" ", 1) if case.startswith("float64 ") else [case]
    dtype = words[0] if words else "float32"
    with tempfile.TemporaryDirectory() as folder:
        if name.startswith(RANDOM):
            name = name.replace(RANDOM, str(random_table(folder)))
        products = wide.products(wide.configuration(name, dtype))
        n = int(np.clip(4e6 / products // 16 * 16, 16, 2**14))
        plan = wide.plan(name, dtype, restarts=n, max_steps=STEPS)
        list(plan.configurations)  # which reads the table, while it is there
    return plan


def ours(plan: Plan) -> dict[str, Work]:
    """The compiled function alone, and a worker's whole path with and without curves."""
    c, n = plan.configurations[0], plan.experiment.restarts
    segments, signature = plan.segments(Batch(0, 0, n)), c.signature()
    functions, restarts = compiled("pytensor", signature), prepare(Task(segments, 1, "pytensor", 0))
    state = signature.state.start(restarts.starts, restarts.hyper[0])
    hyper, targets = (a.astype(signature.dtype) for a in (restarts.hyper, restarts.targets_of()))
    zeros = np.zeros(n, np.int32)

    def function() -> float:
        _, steps, _ = functions.advance(state, zeros, restarts.max_steps, hyper, targets)
        return float(steps.sum())

    def batch(n_curves: int) -> Work:
        task = Task(segments, 1, "pytensor", n_curves)
        return lambda: float(train_batch(task).telemetry["restart_steps"])

    return dict(zip(OURS, (function, batch(0), batch(n)), strict=True))


def peers(case: str, plan: Plan) -> Iterator[tuple[str, Work]]:
    for name, make in PEERS.items():
        try:
            yield name, make(plan.configurations[0])
        except ImportError as error:
            print(f"left out: {name} of {case} ({error})", file=sys.stderr)


def in_products(c) -> int:
    """Multiply-adds of a step's products of matrices, forward, back and of the update."""
    shapes = c.architecture.parameter_shapes[::2]
    sizes = [int(np.prod(shape)) for shape in shapes]
    # a first layer at a cube's corners multiplies no matrices, and nothing goes back through any
    first = 0 if len(sizes) > 1 and hypercube_of(c.table.inputs) is not None else 2 * sizes[0]
    return c.table.n_patterns * (first + 3 * sum(sizes[1:]))


def spent(work: Work) -> float:
    """CPU µs of a restart's step."""
    begun, steps = time.process_time(), 0.0
    while time.process_time() - begun < 0.1:
        steps += work()
    return 1e6 * (time.process_time() - begun) / steps


def measure(case: str, rounds: int) -> dict[str, list[float]]:
    """CPU µs per restart and step of every way, and 10^9 multiply-adds a second, by round."""
    plan = plan_of(case)
    ways = ours(plan) | dict(peers(case, plan))
    core = peak.multiply_adds(plan.configurations[0].signature().dtype)
    for work in ways.values():
        work()
    keep_freed_memory()
    taken: dict[str, list[float]] = {name: [] for name in (PEAK, *ways)}
    for _ in range(rounds):
        taken[PEAK].append(core())
        for name, work in ways.items():
            taken[name].append(spent(work))
    c = plan.configurations[0]
    taken["products"] = [float(wide.products(c)), float(in_products(c))]
    return taken


def row(taken: Mapping[str, list[float]], before: Mapping[str, list[float]] | None) -> list[str]:
    """The cells of a case: medians of its rounds.

    Products; the function's µs, its share of the peak; shares of the function that batches reach;
    µs of the peers, how many times as fast as the better one the function is; how many times as
    fast as in an earlier run it is, and how many times larger the batches' shares are.
    """
    products, multiplied = taken["products"]
    ratio = {name: _ratio(taken, "function", name) for name in OURS}
    most = [multiplied / 1e3 / a / b for a, b in zip(taken[PEAK], taken["function"], strict=True)]
    cells = [f"{products:,.0f}", _us(taken, "function"), f"{statistics.median(most):.2f}"]
    cells += [f"{ratio[name]:.2f}" for name in OURS[1:]]
    cells += [_us(taken, name) for name in PEERS]
    found = [statistics.median(taken[name]) for name in PEERS if name in taken]
    least = statistics.median(taken["function"])
    cells.append(f"{min(found) / least:.1f}" if found else "")
    if before is None:
        return [*cells, "", "", ""]
    cells.append(f"{statistics.median(before['function']) / least:.2f}")
    return cells + [f"{ratio[name] / _ratio(before, 'function', name):.2f}" for name in OURS[1:]]


HEADS = ("case", "products", "function", "of the peak", *OURS[1:], *PEERS, "times the better")
BEFORE = ("before", "batch, before", "curves, before")


def _ratio(taken: Mapping[str, list[float]], a: str, b: str) -> float:
    return statistics.median(x / y for x, y in zip(taken[a], taken[b], strict=True))


def _us(taken: Mapping[str, list[float]], name: str) -> str:
    return f"{statistics.median(taken[name]):#.3g}" if name in taken else ""


def table(
    cases: list[str],
    rounds: int,
    before: Mapping[str, Mapping[str, list[float]]],
    keep: Callable[[dict[str, dict[str, list[float]]]], None],
) -> None:
    """Measure cases and print their rows, CPU µs per restart and step; keep all after each."""
    print("| " + " | ".join((*HEADS, *BEFORE)) + " |\n" + "|---" * len((*HEADS, *BEFORE)) + "|")
    results: dict[str, dict[str, list[float]]] = {}
    for case in cases:
        results[case] = measure(case, rounds)
        print("| " + " | ".join([case, *row(results[case], before.get(case))]) + " |", flush=True)
        keep(results)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the rows that are measured, and of where they go."""
    parser.add_argument("cases", nargs="*", metavar="CASE", default=CASES)
    parser.add_argument("--before", type=Path, help="a JSON file to compare with")
    parser.add_argument("--to", type=Path, help="a JSON file")


def earlier(path: Path | None) -> dict[str, dict[str, list[float]]]:
    """Return the rows of an earlier run's file, if it has any."""
    rows: dict[str, dict[str, list[float]]] = {}
    return rows if path is None else json.loads(path.read_text()).get("batches", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    add_options(parser)
    options = parser.parse_args()

    def keep(rows: dict[str, dict[str, list[float]]]) -> None:
        if options.to is not None:
            options.to.write_text(json.dumps({"batches": rows}, indent=1) + "\n")

    table(options.cases, options.rounds, earlier(options.before), keep)


if __name__ == "__main__":
    main()
