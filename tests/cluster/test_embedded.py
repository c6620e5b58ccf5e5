from __future__ import annotations

import os
import signal

import dask
from distributed import Client

from runner.cluster.embedded import embedded_cluster
from runner.cluster.options import ClusterOptions


def process_of_worker(client: Client) -> int:
    return client.submit(os.getpid, pure=False).result(timeout=120)


def test_a_worker_that_dies_comes_back_however_long_that_takes() -> None:
    """Dask gives up a worker that is away when some time has passed since any of its deaths."""
    at_once = {"distributed.deploy.lost-worker-timeout": "1 ms"}
    with dask.config.set(at_once), embedded_cluster(ClusterOptions(workers=1)) as client:
        processes = [process_of_worker(client)]
        for _ in range(2):
            os.kill(processes[-1], signal.SIGKILL)
            processes.append(process_of_worker(client))
        # the last process may have answered once before it was closed
        assert process_of_worker(client) == processes[-1]
        assert len(set(processes)) == 3
