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

from runner.engines.versions import source, versions

VARIABLE = "RUNNER_CACHE_DIR"
"""Environment variable that names the folder; empty, nothing is kept."""

SUFFIX = ".code"
"""How the files' names end; no other file is touched."""

MOST_BYTES = 2**28
"""The files that were not used for longest are removed beyond so much; most have 50 to 500 KB."""

SOURCE = source()
"""Of the runner as it was when this process began."""

Parts = Mapping[str, Mapping[str, Any]]


def folder() -> Path | None:
    """The folder, made if need be; None if there is none that is safe."""
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(named) if named else Path(base, "runner")
    if not path.is_absolute():
        return None
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError:
        return None
    return path if _is_ours(found) else None


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else can have written it: what lies here is executed."""
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not others)


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
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            digest, _, content = file.read().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        parts = json.loads(content)
        found = {name: p | {"code": base64.b64decode(p["code"])} for name, p in parts.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    with suppress(OSError):
        os.utime(path)
    return found


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
    if source() != SOURCE:
        return  # this process may have loaded what was there before
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
        _forget_oldest(path.parent)


def _path(what: Sequence[str] | None) -> Path | None:
    where = folder()
    if what is None or where is None:
        return None
    name = hashlib.sha256(json.dumps([*what, *_ours()]).encode()).hexdigest()
    return where / f"{name}{SUFFIX}"


@cache
def _ours() -> tuple[str, ...]:
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    return SOURCE, flags, *(f"{name} {version}" for name, version in versions().items())


def _forget_oldest(where: Path) -> None:
    used = []
    for path in where.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            found = path.stat()
            used.append((found.st_mtime, found.st_size, path))
    total = 0
    for _, size, path in sorted(used, reverse=True):
        total += size
        if total > MOST_BYTES:
            path.unlink(missing_ok=True)
