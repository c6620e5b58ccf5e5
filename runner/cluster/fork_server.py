"""A process that has imported what workers need, and forks them; for programs of the runner's own.

It changes the process for good, its environment and its start method, so the command line may
start it and a library call may not.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.util import get_temp_dir

from runner.cluster.caller_process import sigint_blocked

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Set to 1: one computing thread per worker process, as the processes are the parallelism."""

_WORKER_MODULES = ("distributed.nanny", "runner.training.worker", "llvmlite.binding")

_running = False  # a process has at most one fork server, which `multiprocessing` keeps


def start_fork_server(*others: str) -> str | None:
    """Have another process import what workers need, from which an embedded cluster forks them.

    For a program that starts an embedded cluster next: the imports then wait neither for the
    client's nor for one another. It sets the start method of `multiprocessing`. Does nothing where
    forking is not safe or there is no room for a socket: workers are then spawned.

    Parameters
    ----------
    *others : str
        Modules that workers will need besides those that train.

    Returns
    -------
    str or None
        Folder of the process' socket. It is removed when the program exits; one that ends by
        `os._exit` has to remove it.
    """
    global _running
    # before 3.11.1 any user of the machine could open the socket (CVE-2022-42919)
    if sys.platform != "linux" or sys.version_info < (3, 11, 1):
        return None
    # as Dask does before it spawns a worker: these are read when NumPy is loaded, or a process is
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "65536")
    # pyarrow would have a thread for an allocator that it does not use; what forks should have one
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    multiprocessing.set_forkserver_preload([*_WORKER_MODULES, *others])
    try:
        with sigint_blocked():
            forkserver.ensure_running()
    except OSError:  # the name of the socket is too long, or the temporary folder is full
        return None
    multiprocessing.set_start_method("forkserver", force=True)
    _running = True
    return str(get_temp_dir())


def is_running() -> bool:
    """Whether this process has started its fork server."""
    return _running
