"""The client of a sweep's rounds: opened when the first needs it, closed when the last is done."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any

from runner.cluster.client import open_client, require_client
from runner.cluster.options import ClusterOptions
from runner.errors.platforms import require_posix


class Connections:
    """Clients for kinds of device, one at a time; a context manager.

    Parameters
    ----------
    cluster : ClusterOptions
        Where to run.
    client : distributed.Client, optional
        The caller's own, for all kinds; it stays open.
    """

    def __init__(self, cluster: ClusterOptions, client: Any = None) -> None:
        require_client(client)
        self.cluster = cluster
        self._own = client
        self._opened = ExitStack()
        self._client: Any = None
        self._kind = ""

    def client(self, kind: str) -> Any:
        """Return the client for a kind of device; that for another kind is closed.

        Raises
        ------
        ClusterError
            If there is nothing to run on.
        """
        if self._own is not None:
            return self._own
        if self._kind != kind:
            self._opened.close()
            self._kind = ""
            self._client = self._opened.enter_context(
                open_client(replace(self.cluster, device=kind))
            )
            self._kind = kind
        return self._client

    def __enter__(self) -> Connections:
        require_posix()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, traceback)
