"""What a folder remembers of the object store it was pushed to, or pulled from.

``.objects.json`` is a hint that saves requests, and proves one thing: by its token, a client knows
a lease that an earlier process of this folder has left. Without it all is compared anew. A copy of
the folder is another one: beside the token stands which folder it is of.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.study import files
from runner.study.folder import StudyFolder, read_bounded
from runner.study.objects.object_store import Meta

_MOST = 2**28


@dataclass(frozen=True)
class Known:
    """A file that was the same here and there."""

    sha256: str
    """Of the file."""
    e_tag: str | None
    """Of the object."""

    def is_object(self, meta: Meta | None) -> bool:
        """Whether the object is still the one it was."""
        return meta is not None and self.e_tag is not None and meta.e_tag == self.e_tag


@dataclass
class ObjectState:
    """What is remembered; of another URL, nothing but the token."""

    path: Path
    url: str
    token: str = ""
    log: str = ""
    """SHA-256 of the folder's log when it was last the same as the store's."""
    known: dict[str, Known] = field(default_factory=dict)
    replaces: str = ""
    """State of the plan whose study is being removed from the store; empty, none is."""

    @classmethod
    def read(cls, folder: StudyFolder, url: str) -> ObjectState:
        """Read a folder's file."""
        state = cls(folder.path / ".objects.json", url)
        with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
            stored: dict[str, Any] = json.loads(read_bounded(state.path, _MOST))
            if stored.get("home") == _home(folder.path):
                state.token = str(stored["token"])
            if stored["url"] == url:
                state.log = str(stored["log"])
                state.replaces = str(stored.get("replaces", ""))
                state.known = {name: Known(*of) for name, of in stored["known"].items()}
        state.token = state.token or secrets.token_hex(16)
        return state

    def write(self) -> None:
        """Write it, durably: a token that is forgotten leaves a lease that nobody knows."""
        known = {name: [k.sha256, k.e_tag] for name, k in sorted(self.known.items())}
        content = {
            **{"url": self.url, "token": self.token, "home": _home(self.path.parent)},
            **{"log": self.log, "known": known, "replaces": self.replaces},
        }
        files.replace(self.path, json.dumps(content, indent=1).encode())

    def note(self, name: str, data: bytes, meta: Meta) -> None:
        """Remember that a file and an object are the same."""
        self.known[name] = Known(sha256(data), meta.e_tag)


def _home(folder: Path) -> list[str | int]:
    """Return what a folder's copy, here or on another machine, has otherwise."""
    return [socket.gethostname(), str(folder.resolve()), folder.stat().st_ino]


def sha256(data: bytes) -> str:
    """Return a SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
