"""64 worker processes on one scheduler, 10,000 batches: is the client's memory flat, are all fed?

`PYTHONPATH=. python benchmarks/many_workers.py [WORKERS] [BATCHES] > benchmarks/many_workers.txt`
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

import runner
from runner.run import Progress


def main(workers: int = 64, batches: int = 10_000) -> None:
    size = 4
    experiment = {
        "name": "many",
        "restarts": batches * size,
        "problem": {"gate": "XOR"},
        "training": {"max_steps": 100},
    }
    me = psutil.Process()
    seen: list[tuple[int, float, float, int]] = []

    def watch(progress: Progress) -> None:
        done = progress.done // size
        if done >= (len(seen) + 1) * batches // 20:
            seen.append((done, progress.elapsed_s, me.memory_info().rss / 2**20, progress.workers))

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        study = runner.sweep(
            experiment, Path(folder) / "s", workers=workers, batch_size=size, report=watch
        )
        total = time.perf_counter() - started
        log = (study.path / "telemetry" / "batches.jsonl").read_text().splitlines()
        lines = [json.loads(line) for line in log]
        by_worker = Counter(line["process"] for line in lines)
    print(f"{os.cpu_count()} cores, {workers} workers, {len(lines):,} batches in {total:.0f} s")
    shares = sorted(by_worker.values())
    print(f"batches per worker: {len(shares)} workers, from {shares[0]} to {shares[-1]}")
    print("batches  seconds  client MiB  workers")
    for done, elapsed, mib, there in seen:
        print(f"{done:7,}  {elapsed:7.0f}  {mib:10.0f}  {there:7}")


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
