"""A study of many restarts: trained with flat memory, read without loading it.

    PYTHONPATH=. python benchmarks/large.py train DIR [RESTARTS]   # trains on all cores
    PYTHONPATH=. python benchmarks/large.py write DIR [RESTARTS]   # writes endpoints down untrained
    PYTHONPATH=. python benchmarks/large.py read DIR               # reads it, a process per table

AND and XOR on 2-2-1 networks in float32, stopped at a solution or after 100 steps: a restart takes
microseconds, so that ten million of them are the client's and the disk's test. What `write` makes
has endpoints as they might be, for a look at reading alone.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

import runner
from runner.dispatch.progress import Progress
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.store import Store
from runner.training.shards import array_columns, encode, shard_schema

TABLES = ("summary", "budgets", "times", "strategies", "losses", "comparisons", "curves")


def experiment(restarts: int) -> dict[str, object]:
    return {
        "name": "large",
        "restarts": restarts // 2,
        "problem": {"gate": "XOR"},
        "training": {
            "learning_rate": 4.0,
            "max_steps": 100,
            "dtype": "float32",
            "stop_solved": True,
        },
        "grid": {"problem.gate": ["AND", "XOR"]},
    }


def train(folder: str, restarts: int) -> None:
    me = psutil.Process()
    told = 0

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.done - told < restarts / 20 and progress.done < progress.restarts:
            return
        told = progress.done
        workers = [p.cpu_times() for p in me.children(recursive=True)]
        line = {
            "done": progress.done,
            "s": round(progress.elapsed_s, 1),
            "client_mib": me.memory_info().rss >> 20,
            "client_cpu_s": round(sum(me.cpu_times()[:2]), 1),
            "workers_cpu_s": round(sum(t.user + t.system for t in workers), 1),
        }
        print(json.dumps(line), flush=True)

    runner.sweep(experiment(restarts), folder, report=tell)
    print(f"client's peak: {peak_mib()} MiB")


def write(folder: str, restarts: int) -> None:
    plan = Plan(load_experiment(experiment(restarts)))
    schema = shard_schema(plan.configurations[0].signature())
    rng = np.random.default_rng(1)
    with Store(folder).writer() as writer:
        writer.create(plan)
        for batch in plan.batches():
            parts = []
            for segment in plan.segments(batch):
                n = segment.stop - segment.start
                easy = segment.configuration.index == 0
                solved = rng.random(n) < (0.99 if easy else 0.3)
                steps = np.where(solved, rng.integers(10, 100, n), 100)
                network = segment.configuration.architecture
                sizes = {
                    name: np.prod(shape)
                    for name, shape in zip(
                        array_columns(network), network.parameter_shapes, strict=True
                    )
                }
                columns = {
                    name: list(rng.normal(size=(n, sizes[name])))
                    if name in sizes
                    else rng.normal(size=n)
                    for name in schema.names
                }
                columns |= {
                    "configuration": np.full(n, segment.configuration.index),
                    "restart": np.arange(segment.start, segment.stop),
                    "label": np.where(solved, "solved", "descending"),
                    "solved": solved,
                    "steps": steps,
                    "loss": rng.gamma(2, 0.1, n),
                }
                traced = columns["restart"] < plan.n_curves
                for name, end in (("curve_steps", 100), ("curve_losses", 0.1)):
                    columns[name] = [[0, end] if t else None for t in traced]
                arrays = [pa.array(columns[f.name], f.type) for f in schema]
                parts.append(pa.table(arrays, schema=schema))
            table = pa.concat_tables(parts).combine_chunks()
            writer.commit(batch, encode(table), len(table), [])


def read(folder: str) -> None:
    print(f"{'':14s}{'CPU s':>8s}{'wall s':>8s}{'peak MiB':>10s}")
    for what in ("open", "status", *TABLES, "report"):
        command = [sys.executable, __file__, "one", folder, what]
        print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="")


def one(folder: str, what: str) -> None:
    """What is asked for, in this process; loading modules is not counted."""
    import matplotlib.pyplot  # noqa: F401

    import runner.report.page
    import runner.study.study

    cpu, wall = time.process_time(), time.monotonic()
    study = runner.open_study(folder)
    if what == "status":
        _ = study.n_done, study.trained
    elif what == "report":
        runner.write_report(study, Path(folder) / "report.html")
    elif what != "open":
        getattr(study, what)
    spent = time.process_time() - cpu, time.monotonic() - wall
    print(f"{what:14s}{spent[0]:8.2f}{spent[1]:8.2f}{peak_mib():10,d}")


def peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["read", folder]:
            read(folder)
        case ["one", folder, what]:
            one(folder, what)
        case ["train" | "write" as what, folder, *restarts]:
            {"train": train, "write": write}[what](folder, *(map(int, restarts or ["10000000"])))
        case _:
            print(__doc__)
