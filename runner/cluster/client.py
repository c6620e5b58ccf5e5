"""Open a Dask client: on this machine, or to a scheduler that may safely be talked to."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from multiprocessing import forkserver, resource_tracker
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runner.cluster.options import ClusterOptions
from runner.errors import ClusterError
from runner.errors.messages import printable

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that names a scheduler."""

# One computing thread per worker process: the processes are the parallelism.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

# What workers need; pandas is what pyarrow loads with its first array.
_WORKER_MODULES = ["distributed.nanny", "runner.training.worker", "pandas", "llvmlite.binding"]

_forking = False  # whether this process has started its fork server


def is_embedded(options: ClusterOptions) -> bool:
    """Whether `open_client` starts a cluster on this machine, as no scheduler is named."""
    return not (options.scheduler or options.scheduler_file or os.environ.get(ADDRESS_VARIABLE))


def usable_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_fork_server() -> str | None:
    """Have another process import what workers need, from which an embedded cluster forks them.

    For a program that starts an embedded cluster next: the imports then wait neither for the
    client's nor for one another. It sets the start method of `multiprocessing`. Does nothing where
    forking is not safe or there is no room for a socket: workers are then spawned.

    Returns
    -------
    str or None
        Folder of the process' socket. It goes at the program's exit; who ends at once removes it.
    """
    global _forking
    # before 3.11.1 any user of the machine could open the socket (CVE-2022-42919)
    if sys.platform != "linux" or sys.version_info < (3, 11, 1):
        return None
    # as Dask does before it spawns a worker: these are read when NumPy is loaded, or a process is
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "65536")
    # pyarrow would have a thread for an allocator that it does not use; what forks should have one
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    multiprocessing.set_forkserver_preload(_WORKER_MODULES)
    try:
        with _deaf_to_ctrl_c():
            forkserver.ensure_running()
    except OSError:  # the name of the socket is too long, or the temporary folder is full
        return None
    multiprocessing.set_start_method("forkserver", force=True)
    _forking = True
    return str(get_temp_dir())


@contextmanager
def open_client(options: ClusterOptions | None = None) -> Iterator[Any]:
    """Connect to a scheduler, or start an embedded cluster on this machine.

    Parameters
    ----------
    options : ClusterOptions, optional
        Which of them; by default an embedded cluster, unless `ADDRESS_VARIABLE` names a scheduler.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ClusterError
        If the scheduler cannot be reached, or not safely, or no worker shows up in time.
    """
    import dask
    from distributed import Client, LocalCluster

    from runner.cluster import dashboard

    options = options or ClusterOptions()
    wait_s = options.wait_s
    address = options.scheduler
    if options.scheduler_file is not None:
        address = _address_in(Path(options.scheduler_file), wait_s)
    address = address or os.environ.get(ADDRESS_VARIABLE)
    if address is None:
        _quiet()
        gpu = options.device == "gpu"
        # Dask keeps the last messages to every worker, tasks and all: 1000 of them by default.
        # A task whose workers have died twice is blamed; a sweep then finds out whether rightly.
        settings: dict[str, Any] = {
            "distributed.admin.low-level-log-length": 20,
            "distributed.scheduler.allowed-failures": 1,
        }
        if _forking:
            # as `multiprocessing` is set; by name, Dask would import pandas here first
            settings["distributed.worker.multiprocessing-method"] = None
        with dask.config.set(settings):  # for workers that take another's place, too
            with _deaf_to_ctrl_c():
                cluster = LocalCluster(
                    n_workers=options.workers or (1 if gpu else usable_cores()),
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs=dashboard.SCHEDULER_OPTIONS,
                    resources={"GPU" if gpu else "CPU": 1},
                    env=dict.fromkeys(_THREADS, "1"),
                    memory_limit=0,
                    silence_logs=50,  # CRITICAL: a lost worker is reported by the sweep itself
                )
            dashboard.open_on_demand(cluster.scheduler)
            with cluster, Client(cluster) as client:
                yield client
        return
    check_address(address, options.insecure)
    _quiet()
    try:
        client = _connected(address, wait_s)
    except (OSError, ValueError, TypeError) as error:
        raise _unreachable(address, error) from None
    with client:
        wait_for_workers(client, wait_s)
        yield client


def _connected(address: str, wait_s: float) -> Any:
    """Connect to a scheduler, also to one that takes the place of one that dies just then."""
    from distributed import Client
    from distributed.comm.core import CommClosedError, FatalCommClosedError

    until = time.monotonic() + wait_s
    while True:
        try:
            # not what is left of the time: the client keeps it for later losses
            return Client(address, timeout=max(wait_s, 1.0))
        except FatalCommClosedError:  # of TLS: it would be so the next time
            raise
        except CommClosedError:
            if time.monotonic() > until:
                raise
            time.sleep(1.0)


def connection_errors() -> tuple[type[Exception], ...]:
    """Return what a call of a Dask client raises when its connection is gone."""
    from distributed.client import ClosedClientError

    return OSError, ClosedClientError


def is_death(error: BaseException) -> bool:
    """Return whether Dask says that workers have died with a task."""
    from distributed import KilledWorker

    return isinstance(error, KilledWorker)


def start_command(address: str, tag: str = "CPU") -> str:
    """Return how to start a worker, in backquotes."""
    config = "DASK_CONFIG=certificates/worker.yaml " if address.startswith("tls://") else ""
    return (
        f"`{config}python -m dask worker {address} --nthreads 1 --dashboard-address 127.0.0.1:0 "
        f'--resources "{tag}=1" --preload runner.preload` in the project\'s folder'
    )


def wait_for_workers(client: Any, wait_s: float) -> None:
    """Wait for the first worker; raises ClusterError if none comes in time."""
    address = str(getattr(client.scheduler, "address", "the cluster"))
    until = time.monotonic() + wait_s
    left = wait_s
    while left >= 0:
        try:
            client.wait_for_workers(1, timeout=left)
        except TimeoutError:
            break
        except (OSError, AttributeError):  # the scheduler has gone, and may come back
            if client.status == "closed":
                message = f"{address}: the scheduler was lost. Run the same command again."
                raise ClusterError(message) from None
            time.sleep(0.1)
            left = until - time.monotonic()
        else:
            return
    message = (
        f"{address}: no worker within {wait_s:g} s. Start one with {start_command(address)}, "
        "or wait longer with --wait."
    )
    raise ClusterError(message)


def check_address(address: str, insecure: bool) -> None:
    """Refuse an address on another machine without TLS, unless it is allowed.

    Raises
    ------
    ClusterError
    """
    scheme, separator, rest = address.rpartition("://")
    if insecure or scheme in ("tls", "wss", "inproc"):
        return
    host = urlsplit(f"//{rest}").hostname or ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if loopback:
        return
    shown = printable(address if separator else f"tcp://{address}")
    message = (
        f"--scheduler is {shown}, on another machine without TLS; expected tls://. Whoever "
        "reaches that port can run programs there. Make certificates with `python -m runner "
        "certificates DIR`, or say --insecure on a network that you trust."
    )
    raise ClusterError(message)


def _address_in(path: Path, wait_s: float) -> str:
    """Read the address in a scheduler's file, which may appear a little later."""
    until = time.monotonic() + wait_s
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.1)
    where = printable(str(path))
    try:
        return str(json.loads(path.read_bytes())["address"])
    except OSError as error:
        reason = error.strerror
    except (ValueError, KeyError, TypeError):
        reason = "no scheduler has written it"
    message = (
        f"--scheduler-file is {where}: {reason}; expected the file that `dask scheduler "
        "--scheduler-file` writes."
    )
    raise ClusterError(message)


def _unreachable(address: str, error: Exception) -> ClusterError:
    where = printable(address)
    if address.startswith("tls://") and isinstance(error, TypeError):
        return ClusterError(
            f"{where}: there is no certificate to show. Set DASK_CONFIG to the file client.yaml "
            "that `python -m runner certificates DIR` makes."
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    hint = " Were the certificates made together?" if "certificate" in reason.lower() else ""
    return ClusterError(
        f"{where}: no scheduler answers ({reason}).{hint} Start one with `dask scheduler`, or "
        f"leave out --scheduler and unset {ADDRESS_VARIABLE} to run on this machine."
    )


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Start threads and processes that never see Ctrl-C; here it arrives a moment later.

    A terminal sends it to every process of its group. The workers would die of it with a
    traceback each, while it is the client's to decide what happens.
    """
    # Python's tracker of semaphores is started first, as its start would lift the mask again, and
    # told not to complain of what a process that is interrupted early leaves behind.
    sys.warnoptions.append("ignore:resource_tracker")
    resource_tracker.ensure_running()
    sys.warnoptions.remove("ignore:resource_tracker")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _quiet() -> None:
    """Keep Dask's own log out of the terminal; what a user has to know, the sweep says."""
    import logging

    for name in (
        "distributed",
        "distributed.client",
        "distributed.nanny",
        "distributed.worker",
        "distributed.scheduler",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
