"""Addresses of schedulers: where they are read from, and which may safely be talked to."""

from __future__ import annotations

import json
import os
import site
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from runner.cluster.options import ClusterOptions
from runner.errors import ClusterError
from runner.errors.messages import printable
from runner.errors.paths import local_path

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that names a scheduler."""

_KEY = "scheduler-address"  # in Dask's configuration


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
    if address := os.environ.get(ADDRESS_VARIABLE):
        return address
    # Loading Dask takes as long as all of a short command, so it has to be worth it.
    if "dask.config" not in sys.modules and not any(map(_names_scheduler, _configuration_files())):
        return None
    import dask.config

    found = dask.config.get(_KEY, None) or dask.config.get(_KEY.replace("-", "_"), None)
    return str(found) if found else None


def _configuration_files() -> Iterator[Path]:
    """Yield the files that Dask reads when it is loaded."""
    system = os.environ.get("DASK_ROOT_CONFIG", "/etc/dask")
    places = [system, *(f"{prefix}/etc/dask" for prefix in (sys.prefix, *site.PREFIXES))]
    places += ["~/.config/dask", os.environ.get("DASK_CONFIG", "")]
    for place in dict.fromkeys(filter(None, places)):
        path = Path(place).expanduser()
        yield from path.glob("*") if path.is_dir() else [path]


def _names_scheduler(path: Path) -> bool:
    try:
        return path.suffix in (".yaml", ".yml", ".json") and _KEY.encode() in path.read_bytes()
    except OSError:
        return False


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


def start_command(address: str, tag: str = "CPU") -> str:
    """Return how to start a worker, in backquotes."""
    config = "DASK_CONFIG=certificates/worker.yaml " if address.startswith("tls://") else ""
    return (
        f"`{config}python -m dask worker {address} --nthreads 1 --dashboard-address 127.0.0.1:0 "
        f'--resources "{tag}=1" --preload runner.preload` in the project\'s folder'
    )


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
