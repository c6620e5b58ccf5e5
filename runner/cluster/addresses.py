"""Addresses of schedulers: where they are read from, and which may safely be talked to."""

from __future__ import annotations

import json
import logging
import os
import time
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from runner.cluster.dask_configuration import configured_address
from runner.cluster.options import ClusterOptions
from runner.errors import ClusterError
from runner.errors.messages import printable
from runner.errors.paths import local_path

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that names a scheduler."""

_log = logging.getLogger("runner")


def is_embedded(options: ClusterOptions) -> bool:
    """Whether `open_client` starts a cluster on this machine, as no scheduler is named."""
    return not (options.scheduler or options.scheduler_file or _configured())


def scheduler_address(options: ClusterOptions) -> str | None:
    """Return the address of the scheduler that is named; None for an embedded cluster.

    Raises
    ------
    ClusterError
        If a scheduler's file is not there in time, or none.
    """
    if options.scheduler_file is not None:
        return _address_in(local_path(options.scheduler_file, ClusterError, "file"), options.wait_s)
    return options.scheduler or _configured()


def _configured() -> str | None:
    """Return the address that Dask's variable or one of its own configuration files names."""
    return os.environ.get(ADDRESS_VARIABLE) or configured_address()


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
        f"scheduler (--scheduler) is {shown}, on another machine without TLS; expected tls://. "
        "Whoever reaches that port can run programs there. Make certificates with "
        "`python -m runner certificates DIR`, or say insecure (--insecure) on a network that "
        "you trust."
    )
    raise ClusterError(message)


def start_command(address: str, tag: str = "CPU") -> str:
    """Return how to start a worker, in backquotes."""
    config = "DASK_CONFIG=certificates/worker.yaml " if address.startswith("tls://") else ""
    return (
        f"`{config}python -m dask worker {address} --nthreads 1 --dashboard-address 127.0.0.1:0 "
        f'--resources "{tag}=1" --preload runner.preload` in the project\'s folder'
    )


def _address_in(path: Path, wait_s: float) -> str:
    """Read the address in a scheduler's file, which may appear a little later."""
    where = printable(str(path))
    until = time.monotonic() + wait_s
    if not path.exists() and path.parent.is_dir() and wait_s > 0:
        _log.warning(
            "scheduler_file (--scheduler-file) is %s, which is not there yet: waiting %g s for "
            "it (wait_s, --wait).",
            where,
            wait_s,
        )
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.1)
    try:
        return str(json.loads(path.read_bytes())["address"])
    except OSError as error:
        reason = error.strerror
    except (ValueError, KeyError, TypeError):
        reason = "no scheduler has written it"
    message = (
        f"scheduler_file (--scheduler-file) is {where}: {reason}; expected the file that "
        "`dask scheduler --scheduler-file` writes."
    )
    raise ClusterError(message)
