"""The tests' S3 server that errs, and kills who asks, at the requests that it is told beforehand.

For a process of its own: what it was asked, and which faults struck, stands in a file.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from support.s3_server import Handler, S3Server

KILLS = ("kill before", "kill after")
"""Whoever asks is killed before what it asks for is done, or when it is done and not answered."""

ERRORS = ("500", "503", "reset", "lose", "cut", "silent")
"""It refuses with that status, nothing done; resets the connection, nothing done; does so when it
is done, before the answer, or in the middle of it; answers nothing for `SILENT_S`."""

LEASES = ("let go", "taken")
"""The lease is nobody's any more, or another client's."""

SILENT_S = 20.0

FREE, OTHERS = b"{}\n", "another's"
"""What a lease is that nobody has, and the token of the other client."""

_CODES = {"500": "InternalError", "503": "SlowDown"}


@dataclass(frozen=True)
class Fault:
    """What happens at a request."""

    kind: str
    at: int
    """Number of the request, from 1 on."""
    times: int = 1
    """How many requests it happens to."""
    shards: bool = False
    """Whether writes of shards alone are counted."""


class FaultyStore(S3Server):
    """Errs as it is told, until there is a file that says it is to be well.

    Parameters
    ----------
    faults : sequence of Fault
    told : Path
        File that gets a line for each request, ``! KIND`` before those that a fault strikes.
    """

    def __init__(self, faults: Sequence[Fault], told: Path) -> None:
        super().__init__(handler=_FaultyHandler)
        self.faults = faults
        self.told = told
        self.counts = {False: 0, True: 0}  # requests, and those that write shards

    @staticmethod
    def well(told: Path) -> Path:
        """Return the file that ends all faults."""
        return told.with_suffix(".well")

    def due(self, operation: str, key: str) -> str:
        """Count a request; return what is to happen to it, if anything."""
        with self.one_at_a_time:
            writes = operation == "PUT" and "/shards/" in key
            self.counts = {False: self.counts[False] + 1, True: self.counts[True] + writes}
            struck = [
                f.kind
                for f in self.faults
                if (writes or not f.shards) and 0 <= self.counts[f.shards] - f.at < f.times
            ]
            kind = struck[0] if struck and not self.well(self.told).exists() else ""
            if kind in LEASES and not self._change_lease(kind, key.split("/")[1]):
                kind = ""
            with self.told.open("a") as file:
                file.write(f"{f'! {kind} ' if kind else ''}{operation} {key}\n")
        return kind

    def _change_lease(self, kind: str, study: str) -> bool:
        name = f"studies/{study}/.lock"
        if b"token" not in self.objects.get(name, b""):
            return False
        other = {"owner": "process 1 elsewhere", "since": "now", "token": OTHERS}
        self.objects[name] = FREE if kind == "let go" else json.dumps(other).encode()
        return True


class _FaultyHandler(Handler):
    server: FaultyStore
    fault = ""  # of the request that is being answered

    def _hears(self, operation: str) -> bool:
        self.fault = self.server.due(operation, self._key())
        if self.fault == "kill before":
            self._kill()
        if self.fault == "silent":
            self.server.released.wait(SILENT_S)
        if self.fault in ("kill before", "silent", "reset"):
            self._reset()
        if self.fault in _CODES:
            self._refuse(int(self.fault), _CODES[self.fault])
            return False
        return super()._hears(operation)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        if self.fault == "kill after":
            self._kill()
        if self.fault in ("kill after", "lose"):
            self._reset()
        super()._answer(status, body, **headers)

    def _send(self, body: bytes) -> None:
        if self.fault == "cut":
            self.wfile.write(body[: len(body) // 2])
            self._reset()
        super()._send(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError

    def _kill(self) -> None:
        """Kill the process at the other end."""
        ends = self.client_address[1], self.server.server_port
        for each in psutil.net_connections("tcp4"):
            if each.pid and each.raddr and (each.laddr.port, each.raddr.port) == ends:
                os.kill(each.pid, signal.SIGKILL)
