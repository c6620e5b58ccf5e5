"""Durable file operations: what has been written here survives a crash, or was never there.

Whatever changes a study's folder goes through ``os``, mostly from here, so that tests can make any
one operation fail or be the last.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")

with suppress(ImportError):  # Windows, where nothing is written, has none
    import fcntl

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)  # here or of this file

# On macOS fsync leaves data in the disk's own cache, and this alone asks the disk (fsync(2) there).
_FULL_SYNC: int | None = getattr(sys.modules.get("fcntl"), "F_FULLFSYNC", None)
_NO_FULL_SYNC = (errno.ENOTSUP, errno.ENOTTY, errno.EINVAL)  # on this file system

NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
"""A file of a study is opened with this: a link in one from elsewhere could lead anywhere."""

NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
"""To open what may be a named pipe, which nobody writes to."""

TEMPORARY = ".tmp"
"""Suffix of files that are not complete yet."""

_THREADS = 8  # that write side by side: a disk makes what they sync durable together


def write_new(path: Path, data: bytes) -> None:
    """Create a file whole or not at all, and make it durable.

    Parameters
    ----------
    path : Path
        Must not exist; its folder must.
    data : bytes

    Raises
    ------
    FileExistsError
        If ``path`` exists; it is left as it is.
    OSError
        If the disk refuses; no file is left at ``path``.
    """
    if path.exists():
        raise FileExistsError(path)
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        write(temporary, data)
        os.rename(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def replace(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file whole or not at all, whether or not it exists, and make it durable."""
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        write(temporary, data, durable=durable)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; the file that is written there takes the place of ``path``, durably.

    For files that are too large to be in memory as bytes. If the block fails, ``path`` stays as it
    is and nothing else is left.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        yield temporary
        _sync_file(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_side_by_side(contents: Mapping[Path, bytes]) -> None:
    """Write files and make their contents durable, several at a time; names are not synced.

    Raises
    ------
    OSError
        If the disk refuses one of them; then none is left.
    """
    try:
        side_by_side(lambda item: write(*item), list(contents.items()))
    except OSError:
        for path in contents:
            path.unlink(missing_ok=True)
        raise


def side_by_side(function: Callable[[_In], _Out], inputs: Sequence[_In]) -> list[_Out]:
    """Call a function that waits for a disk, or computes without Python's lock, in threads."""
    if len(inputs) < 2:
        return [function(each) for each in inputs]
    with ThreadPoolExecutor(min(_THREADS, len(inputs)), "write") as threads:
        return list(threads.map(function, inputs))


def append_lines(path: Path, lines: Sequence[str], *, durable: bool = True) -> None:
    """Append lines to a file, creating it if need be, and make them durable together.

    Notes
    -----
    A crash can leave the first of them and part of one. `runner.study.commits.Log` drops a last
    line without a newline.
    """
    created = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | NO_FOLLOW, 0o644)
    try:
        _write_all(descriptor, "".join(f"{line}\n" for line in lines).encode())
        if durable:
            _sync(descriptor)
    finally:
        os.close(descriptor)
    if created and durable:
        sync_folder(path.parent)


def move(path: Path, target: Path) -> None:
    """Move a file or a link to a name that is free in another folder, and make it durable.

    A crash may leave it under both names, never under none.

    Raises
    ------
    FileExistsError
        If ``target`` exists; both are left as they are.
    OSError
        If the disk refuses.
    """
    if os.path.lexists(target):  # a rename would replace it
        raise FileExistsError(target)
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Both names change at once, which only a file system with a journal also remembers so.
        os.rename(path, target)
        sync_folder(target.parent)
    else:
        sync_folder(target.parent)
        path.unlink()
    sync_folder(path.parent)


def truncate(path: Path, size: int) -> None:
    """Cut a file to a number of bytes and make it durable."""
    descriptor = os.open(path, os.O_WRONLY | NO_FOLLOW)
    try:
        os.ftruncate(descriptor, size)
        _sync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Create a folder and its parents and make them durable."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file, and make its content durable but not its name."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NO_FOLLOW, 0o644)
    try:
        _write_all(descriptor, data)
        if durable:
            _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    """Make what was written to a file or folder durable."""
    if _FULL_SYNC is not None:
        try:
            fcntl.fcntl(descriptor, _FULL_SYNC)
        except OSError as error:
            if error.errno not in _NO_FULL_SYNC:
                raise
        else:
            return
    os.fsync(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
