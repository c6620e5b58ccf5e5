"""Real workers of a cluster in this process, and what they have made."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, LocalCluster, Scheduler, SpecCluster, Worker


@contextmanager
def workers(*resources: dict[str, float], cls=Worker):
    """A cluster in this process whose workers offer these resources, and a client of it."""
    spec = {
        k: {"cls": cls, "options": {"nthreads": 1, "resources": r, "dashboard": False}}
        for k, r in enumerate(resources)
    }
    scheduler = {
        "cls": Scheduler,
        "options": {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1", "port": 0},
    }
    with (
        SpecCluster(workers=spec, scheduler=scheduler, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        yield cluster, client


def join(cluster: SpecCluster, name: int) -> None:
    """Start one more worker of a cluster in this process."""
    cluster.worker_spec[name] = cluster.worker_spec[0]
    cluster.sync(cluster._correct_state)


@contextmanager
def two_processes():
    """A client of two worker processes, each for one task on its CPU."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            resources={"CPU": 1},
            silence_logs=60,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every shard of a study, by its path in the study's folder."""
    shards = sorted((folder / "shards").rglob("*.parquet"))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in shards}


def until(condition, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
