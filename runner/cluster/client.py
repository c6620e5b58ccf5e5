"""Open a Dask client: on this machine, or to a scheduler that may safely be talked to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from runner.cluster.addresses import (
    ADDRESS_VARIABLE,
    check_address,
    scheduler_address,
    start_command,
)
from runner.cluster.caller_process import borrowed_process
from runner.cluster.dask_configuration import check_configuration
from runner.cluster.embedded import embedded_cluster
from runner.cluster.handshake import require_handshake
from runner.cluster.options import ClusterOptions
from runner.errors import ClusterError
from runner.errors.messages import printable, shown


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
    options = options or ClusterOptions()
    check_configuration()
    with borrowed_process():
        address = scheduler_address(options)
        if address is None:
            with embedded_cluster(options) as client:
                yield client
            return
        check_address(address, options.insecure)
        try:
            client = _connected(address, options.wait_s)
        except (OSError, ValueError, TypeError) as error:
            raise _unreachable(address, error) from None
        with client:
            wait_for_workers(client, options.wait_s)
            yield client


def require_client(client: Any) -> None:
    """Raise ClusterError if what a caller gives as a client is none, such as an address."""
    if client is not None and not hasattr(client, "submit"):
        raise ClusterError(
            f"client is {shown(client)}; expected a distributed.Client. Give the address of a "
            "scheduler as scheduler, a cluster as Client(cluster)."
        )


def _connected(address: str, wait_s: float) -> Any:
    """Connect to a scheduler, also to one that takes the place of one that dies just then."""
    from distributed import Client
    from distributed.comm.core import CommClosedError, FatalCommClosedError

    timeout_s = max(wait_s, 1.0)
    until = time.monotonic() + wait_s
    while True:
        try:
            require_handshake(address, timeout_s)
            client = Client(address, timeout=max(until - time.monotonic(), 1.0))
            client._timeout = timeout_s  # for later losses, of which it takes no other
            return client
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
        "or wait longer with wait_s (--wait)."
    )
    raise ClusterError(message)


def _unreachable(address: str, error: Exception) -> ClusterError:
    where = printable(address)
    if address.startswith("tls://") and isinstance(error, TypeError):
        return ClusterError(
            f"{where}: there is no certificate to show. Set DASK_CONFIG to the file client.yaml "
            "that `python -m runner certificates DIR` makes, or to a folder with it and others."
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    hint = " Were the certificates made together?" if "certificate" in reason.lower() else ""
    longer = "wait longer with wait_s (--wait), " if reason.startswith("Timed out") else ""
    return ClusterError(
        f"{where}: no scheduler answers ({reason}).{hint} Start one with `dask scheduler`, "
        f"{longer}or leave out scheduler (--scheduler) and unset {ADDRESS_VARIABLE} to run on "
        "this machine."
    )
