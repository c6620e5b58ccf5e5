"""64 worker processes on one scheduler, 10,000 batches: is the client's memory flat, are all fed?

    PYTHONPATH=. python benchmarks/many_workers.py [WORKERS [BATCHES [STEPS]]]

With 100 steps, the default, a batch costs a worker less than the scheduler and the client; with
more it costs it as much as one likes. The workers are nice, as otherwise 64 of them leave nothing
of a small machine to the scheduler and to the client, which elsewhere have cores of their own.

Scheduler, workers and client are processes of their own, as on a cluster. A worker takes some
200 MiB, so that 64 of them need 13 GiB.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil
from distributed import Client

import runner
from runner.dispatch.progress import Progress
from runner.engines.versions import versions

RESTARTS = 4  # in a batch: the workers are to be many, not busy for long
MIB = 2**20


def with_work(dask_scheduler) -> int:
    """Count the workers that have a task at work or waiting for them."""
    return sum(bool(worker.processing) for worker in dask_scheduler.workers.values())


def start(*command: str) -> psutil.Popen:
    # Dask keeps the last messages to every worker: 1000 of them by default.
    environment = os.environ | {"DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "20"}
    nice = ("nice", "-n", "19") if command[0] == "worker" else ()
    command = (*nice, sys.executable, "-m", "dask", *command)
    return psutil.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def main(workers: int = 64, batches: int = 10_000, steps: int = 100) -> None:
    experiment = {
        "name": "many",
        "restarts": batches * RESTARTS,
        "problem": {"gate": "AND"},
        "network": {"hidden": []},
        "training": {"max_steps": steps},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "scheduler.json")
        scheduler = start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", file),
        )
        servers = start(
            *("worker", "--scheduler-file", file, "--host", "127.0.0.1", "--no-dashboard"),
            *("--nworkers", str(workers), "--nthreads", "1", "--memory-limit", "0"),
            *("--resources", "CPU=1"),
        )
        try:
            with Client(scheduler_file=file, timeout=300) as client:
                client.wait_for_workers(workers, timeout=3600)
                measure(experiment, Path(folder) / "study", client, scheduler, servers, workers)
        finally:
            for process in (servers, scheduler):
                process.terminate()
                process.wait()


def measure(experiment, folder, client, scheduler, servers, workers) -> None:
    me, batches = psutil.Process(), experiment["restarts"] // RESTARTS
    rows: list[tuple[int, float, float, float, int]] = []

    def watch(progress: Progress) -> None:
        done = progress.done // RESTARTS
        if done >= (len(rows) + 1) * batches // 20:
            memory = [process.memory_info().rss / MIB for process in (me, scheduler)]
            fed = client.run_on_scheduler(with_work)
            rows.append((done, progress.elapsed_s, *memory, fed))

    study = runner.sweep(experiment, folder, client, batch_size=RESTARTS, report=watch)
    log = (study.path / "telemetry" / "batches.jsonl").read_text().splitlines()
    shares = sorted(Counter(json.loads(line)["process"] for line in log).values())
    unique = sum(p.memory_full_info().uss for p in servers.children(recursive=True))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {versions()}")
    steps = experiment["training"]["max_steps"]
    print(f"{workers} workers with {unique / MIB:,.0f} MiB of their own, {len(log):,} batches of")
    print(f"{RESTARTS} restarts and {steps:,} steps")
    print(f"batches per worker: {len(shares)} workers, from {shares[0]} to {shares[-1]}")
    print("batches  seconds  client MiB  scheduler MiB  workers with work")
    for done, elapsed_s, client_mib, scheduler_mib, fed in rows:
        print(f"{done:7,}  {elapsed_s:7.0f}  {client_mib:10.1f}  {scheduler_mib:13.1f}  {fed:17}")


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
