"""A cluster of worker processes on this machine, which listens on loopback only."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from runner.cluster import fork_server
from runner.cluster.caller_process import all_is_logged, sigint_blocked
from runner.cluster.dask_configuration import check_configuration, faults_of_configuration
from runner.cluster.freed_memory import DASKS_TRIM, MALLOC_VARIABLES
from runner.cluster.options import ClusterOptions
from runner.errors import ClusterError


def usable_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def embedded_cluster(options: ClusterOptions) -> Iterator[Any]:
    """Start a scheduler and workers, which end with the context.

    Parameters
    ----------
    options : ClusterOptions
        How many workers, of which kind.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ClusterError
        In a process that is still being started, or if Dask's configuration is wrong.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        message = (
            "A process that this program has started runs the program's main module, and would "
            "start workers in its turn. Put what starts them under "
            '`if __name__ == "__main__":`.'
        )
        raise ClusterError(message)
    import dask
    from distributed import Client, LocalCluster

    check_configuration()  # again: now Dask knows of all settings that were renamed

    from runner.cluster import dashboard

    gpu = options.device == "gpu"
    # Dask keeps the last messages to every worker, tasks and all: 1000 of them by default.
    # A task whose workers have died twice is blamed; a sweep then finds out whether rightly.
    settings: dict[str, Any] = {
        "distributed.admin.low-level-log-length": 20,
        "distributed.scheduler.allowed-failures": 1,
        # Dask gives a worker up whose process is away when this has passed since any of its deaths,
        # also if it dies twice and is just being started again: it would never come back.
        "distributed.deploy.lost-worker-timeout": "365 days",
    }
    for name, value in MALLOC_VARIABLES.items():
        key = f"distributed.nanny.pre-spawn-environ.{name}"
        if str(dask.config.get(key, DASKS_TRIM)) == DASKS_TRIM:  # else the user has chosen
            settings[key] = value
    if fork_server.is_running():
        # as `multiprocessing` is set; by name, Dask would import pandas here first
        settings["distributed.worker.multiprocessing-method"] = None
    with dask.config.set(settings):  # for workers that take another's place, too
        with sigint_blocked(), faults_of_configuration():
            cluster = LocalCluster(
                n_workers=options.workers or (1 if gpu else usable_cores()),
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs=dashboard.SCHEDULER_OPTIONS,
                resources={"GPU" if gpu else "CPU": 1},
                env=dict.fromkeys(fork_server.THREAD_VARIABLES, "1"),
                memory_limit=0,
                # CRITICAL: a lost worker is reported by the sweep itself
                silence_logs=False if all_is_logged() else 50,
            )
        dashboard.open_on_demand(cluster.scheduler)
        with cluster, Client(cluster) as client:
            yield client
