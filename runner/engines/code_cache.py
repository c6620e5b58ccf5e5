"""Machine code on disk, so that no other process need compile it again.

A file holds the artifacts of one signature. Its name is a hash of everything that decides its
content: the signature, the runner's own source, the versions of the packages and the processor. It
is written whole or not at all, so that any number of workers may share the folder, and believed
only if its own hash is right. Whatever goes wrong here is no error: the code is compiled.
"""

from __future__ import annotations

import base64
import dataclasses
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

from runner.engines.simd.artifact import Artifact, Interface
from runner.engines.simd.fingerprint import Fingerprint
from runner.engines.versions import source, versions, without_jax

VARIABLE = "RUNNER_CACHE_DIR"
"""Environment variable that names the folder; empty, there is no cache."""

SUFFIX = ".code"
"""How the files' names end; no other file is touched."""

MOST_BYTES = 2**28
"""The files that were not used for longest are removed beyond so much; most have 50 to 500 KB."""

SOURCE = source()
"""Of the runner as it was when this process began."""

Artifacts = Mapping[str, Artifact]

_PARTS = ("interface", "fingerprint")  # of an artifact, beside its code


def place() -> Path | None:
    """Where the folder is, or would be; None if there is to be none."""
    named = os.environ.get(VARIABLE)
    path = of_user() if named is None else Path(named)
    return path if path.is_absolute() else None  # and Path("") is not


def folder() -> Path | None:
    """The folder, made if need be; None if there is none that is safe."""
    path = place()
    if path is None:
        return None
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError:
        return None
    return path if _only_ours(status) else None


def of_user() -> Path:
    """The folder where this system keeps what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME")
    if base:  # which platformdirs reads on Linux only
        return Path(base, "runner")
    import platformdirs

    return platformdirs.user_cache_path("runner", appauthor=False)


def _only_ours(status: os.stat_result) -> bool:
    """Whether nobody else can have written it: what lies here is executed."""
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not others)


def read(key: Sequence[str] | None) -> Artifacts | None:
    """Read artifacts; None if there are none, or they are damaged.

    Parameters
    ----------
    key : sequence of str, optional
        Everything that decides the code, beside the runner's source and the packages.
    """
    path = _path(key)
    if path is None:
        return None
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            if not _only_ours(os.fstat(file.fileno())):
                return None
            digest, _, content = file.read().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        artifacts = {name: _decoded(stored) for name, stored in json.loads(content).items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    with suppress(OSError):
        os.utime(path)  # it is in use, and so not the next to be removed
    return artifacts


def write(key: Sequence[str] | None, artifacts: Artifacts) -> None:
    """Write artifacts, as `read` finds them."""
    path = _path(key)
    if path is None:
        return
    content = json.dumps({name: _encoded(artifact) for name, artifact in artifacts.items()})
    if source() != SOURCE:
        return  # this process may have loaded what was there before
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with open(handle, "wb") as file:
                digest = hashlib.sha256(content.encode()).hexdigest()
                file.write(digest.encode() + b"\n" + content.encode())
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
        _remove_oldest(path.parent)


def _encoded(artifact: Artifact) -> dict[str, Any]:
    code = base64.b64encode(artifact.code).decode()
    parts = {name: dataclasses.asdict(getattr(artifact, name)) for name in _PARTS}
    return {"code": code, **parts}


def _decoded(stored: Any) -> Artifact:
    fields = stored["interface"]
    runs = {name: tuple(map(tuple, fields[name])) for name in ("inputs", "outputs")}
    told = Fingerprint(**stored["fingerprint"])
    return Artifact(base64.b64decode(stored["code"]), Interface(**fields | runs), told)


def _path(key: Sequence[str] | None) -> Path | None:
    where = folder()
    if key is None or where is None:
        return None
    name = hashlib.sha256(json.dumps([*key, *_environment()]).encode()).hexdigest()
    return where / f"{name}{SUFFIX}"


@cache
def _environment() -> tuple[str, ...]:
    """What decides code beside its key; JAX has no part in vector code."""
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    packages = without_jax(versions()).items()
    return SOURCE, flags, *(f"{name} {version}" for name, version in packages)


def _remove_oldest(where: Path) -> None:
    used = []
    for path in where.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            status = path.stat()
            used.append((status.st_mtime, status.st_size, path))
    total = 0
    for _, size, path in sorted(used, reverse=True):
        total += size
        if total > MOST_BYTES:
            path.unlink(missing_ok=True)
