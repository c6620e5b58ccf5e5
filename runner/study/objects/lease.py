"""The lease of a study in an object store: one client writes at a time, and others can name it.

It is an object, ``.lock``, that is made only where there is none, and replaced only as it was when
it was read. Given back it stays, with nothing in it: stores remove without a condition, and might
remove what another client has written since.

A process that is killed leaves its own; the next process of the same folder knows it by the
folder's token and goes on. Of a folder that is gone for good nobody knows the token: `release` lets
others have the lease. Should that client live, it finds at its next push, or before the log, that
the lease is not its own, and writes nothing more.

Even without a lease nothing would be lost: shards that are right are never replaced, whatever else
is there is replaced only as it was when it was last read, the log only by more lines. The lease
saves two clients the same work.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.study.objects.object_store import Changed, Meta, ObjectStore

NAME = ".lock"
"""Name of the object."""

_MOST = 2**16
_FREE = b"{}\n"
_UNKNOWN = {"owner": "somebody unknown"}
_TRIES = 3


class Lease:
    """The right to push to a URL, by a folder's token.

    Parameters
    ----------
    objects : ObjectStore
    token : str
        Of the folder.
    """

    def __init__(self, objects: ObjectStore, token: str) -> None:
        self._objects = objects
        self._token = token

    def take(self) -> None:
        """Take the lease; StudyError if another folder's client has it."""
        content = {
            "owner": f"process {os.getpid()} on {socket.gethostname()}",
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": self._token,
        }
        data = json.dumps(content).encode()
        for _ in range(_TRIES):
            there, meta = _read(self._objects)
            # its own is an earlier process's, or of this very write, whose answer was lost
            if there and there.get("token") != self._token:
                raise _in_use(self._objects, there)
            try:
                self._objects.put(NAME, data, "create" if meta is None else meta.condition)
            except Changed:
                continue
            return
        message = (
            f"{self._objects.url}: other clients take the lease and give it back all the time; "
            "expected one client at a time. Run the same command again."
        )
        raise StudyError(message)

    def require(self) -> None:
        """Raise StudyError if the lease is another's by now, or nobody's."""
        there, _ = _read(self._objects)
        if there.get("token") != self._token:
            raise _in_use(self._objects, there)

    def give_back(self) -> None:
        """Let others have the lease, if it is still this folder's at that very moment."""
        there, meta = _read(self._objects)
        if meta is not None and there.get("token") == self._token:
            with suppress(Changed):  # it is another's by now, or the answer to this was lost
                self._objects.put(NAME, _FREE, meta.condition)


def release(objects: ObjectStore) -> str:
    """Let others have a lease, whoever has it; return who that was, or nothing."""
    there, meta = _read(objects)
    if not there or meta is None:
        return ""
    try:
        objects.put(NAME, _FREE, meta.condition)
    except Changed:
        now, _ = _read(objects)
        if now:  # else its holder gave it back, or the answer to this was lost
            raise _in_use(objects, now) from None
    return _holder(there)


def _read(objects: ObjectStore) -> tuple[dict[str, Any], Meta | None]:
    """Return what a lease says, nothing where nobody has it, and the object's state."""
    try:
        data, meta = objects.get(NAME, _MOST)
    except FileNotFoundError:
        return {}, None
    if data == _FREE:
        return {}, meta
    try:
        return dict(json.loads(data)) or _UNKNOWN, meta
    except (ValueError, TypeError, RecursionError):
        return _UNKNOWN, meta


def _holder(there: dict[str, Any]) -> str:
    return printable(f"{there.get('owner')}, since {there.get('since')}"[:300])


def _in_use(objects: ObjectStore, there: dict[str, Any]) -> StudyError:
    if not there:
        return StudyError(
            f"{objects.url}: the lease of this client was released; expected it to be there until "
            "the end. What is committed stays in the folder; the same command goes on."
        )
    return StudyError(
        f"{objects.url} is in use by {_holder(there)}; expected one client at a time. Wait until "
        f"it ends; if it never will, `python -m runner release {objects.url}`."
    )
