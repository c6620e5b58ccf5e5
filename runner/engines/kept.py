"""Machine code that is kept, so that no other process need compile it again.

A file holds one signature's. Its name is a hash of all that decides its content: the signature, the
runner's own source, the versions of the packages and the processor. It is written whole or not at
all, so that any number of workers may share the folder, and believed only if its own hash is
right. Whatever goes wrong here is no error: the code is compiled.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from runner.versions import source, versions

VARIABLE = "RUNNER_CACHE_DIR"
"""Environment variable that names the folder; empty, nothing is kept."""

MOST_FILES = 500
"""The files that were not used for longest are removed beyond so many: some 100 KB each."""

Parts = Mapping[str, Mapping[str, Any]]


def folder() -> Path | None:
    """The folder, made if need be; None if there is none that is safe."""
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(named) if named else Path(base, "runner")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError:
        return None
    if not hasattr(os, "getuid"):
        return path
    # what lies here is executed: nobody else may have put it here
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return path if found.st_uid == os.getuid() and not others else None


def read(what: Sequence[str] | None) -> Parts | None:
    """Read what was kept; None if nothing was, or it is damaged.

    Parameters
    ----------
    what : sequence of str, optional
        All that decides the code, beside the runner's source and the packages.
    """
    path = _path(what)
    if path is None:
        return None
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        os.utime(path)
        parts = json.loads(content)
    except (OSError, ValueError):
        return None
    return {name: part | {"code": base64.b64decode(part["code"])} for name, part in parts.items()}


def write(what: Sequence[str] | None, parts: Parts) -> None:
    """Keep parts, each with its machine code under ``code`` and what else JSON can hold."""
    path = _path(what)
    if path is None:
        return
    plain = {
        name: dict(part) | {"code": base64.b64encode(part["code"]).decode()}
        for name, part in parts.items()
    }
    content = json.dumps(plain).encode()
    with suppress(OSError):
        _forget_oldest(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise


def _path(what: Sequence[str] | None) -> Path | None:
    where = folder()
    if what is None or where is None:
        return None
    return where / hashlib.sha256(json.dumps([*what, *_ours()]).encode()).hexdigest()


@cache
def _ours() -> tuple[str, ...]:
    return source(), *(f"{name} {version}" for name, version in versions().items())


def _forget_oldest(where: Path) -> None:
    used = sorted((path.stat().st_mtime, path) for path in where.iterdir())
    for _, path in used[: max(0, len(used) - MOST_FILES)]:
        path.unlink(missing_ok=True)
