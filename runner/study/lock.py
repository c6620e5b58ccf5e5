"""The lock of a study's folder: one process writes at a time, and others can name it.

The lock itself is the operating system's, on ``.lock``, so it ends with its process, however that
ends. What can happen between two processes:

- The second one comes between the first one's lock and the first one's name in ``.lock.holder``:
  it waits for the name, for `_HOLDER_S` at most.
- A process that was killed has left its name. The next one that gets the lock writes its own over
  it; but one that comes second at that very moment would read the dead one's. So a name whose
  process is gone is no answer, and it waits on.
- The name is beside the lock and not in it, as some systems refuse to read a locked file.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.platforms import require_posix
from runner.study import files
from runner.study.folder import StudyFolder
from runner.study.staging import remove_staged

_HOLDER_S = 2.0  # how long a process that has just got the lock may need to write its name


class StudyInUseError(StudyError):
    """Another process holds the lock."""


class StudyLock:
    """The right to write in a study's folder, from `locked`."""

    def __init__(self, folder: StudyFolder, lock: FileLock) -> None:
        self._folder = folder
        self._lock = lock

    def require(self, folder: StudyFolder) -> None:
        """Raise RuntimeError if it is released, or another folder's: a bug in the calling code."""
        if not self._lock.is_locked:
            message = f"{folder.where}: written to without its lock; expected before its release."
            raise RuntimeError(message)
        if folder.path.resolve() != self._folder.path.resolve():
            message = f"{folder.where}: written to with the lock of {self._folder.where}."
            raise RuntimeError(message)


@contextmanager
def locked(folder: StudyFolder) -> Iterator[StudyLock]:
    """Hold a folder's lock, and remove what a crash has left half written.

    Raises
    ------
    StudyError
        If another process holds it, the folder cannot be made, or a folder in it is a link.
    """
    require_posix()  # before anything is made
    if folder.path.exists() and not folder.path.is_dir():
        message = f"{folder.where} is a file; expected a folder. Choose another with out (--out)."
        raise StudyError(message)
    with folder.writing():
        files.make_folder(folder.path)
    folder.require_no_links()

    def in_use() -> StudyInUseError:
        return StudyInUseError(
            f"{folder.where} is in use by {_holder(folder)}; expected one sweep at a time. "
            "Wait until it ends, or choose another folder with out (--out)."
        )

    lock = acquired(folder, folder.lock_path, in_use)
    name = f"process {os.getpid()} on {socket.gethostname()}"
    try:
        with folder.writing():
            files.replace(folder.holder_path, name.encode(), durable=False)
            for path in folder.temporaries():
                path.unlink()
            remove_staged(folder)
        yield StudyLock(folder, lock)
    finally:
        with suppress(OSError):  # it only tells who holds the lock
            folder.holder_path.unlink(missing_ok=True)
        lock.release()


def acquired(folder: StudyFolder, path: Path, in_use: Callable[[], StudyError]) -> FileLock:
    """Return the operating system's lock on a file of a folder, held.

    Raises
    ------
    StudyError
        Made by ``in_use``, if another process holds it; or if the disk refuses.
    """
    require_posix()
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise in_use() from None
    except OSError as error:
        raise folder.unwritable(error) from error
    return lock


def _holder(folder: StudyFolder) -> str:
    """Name the process that holds the lock."""
    until = time.monotonic() + _HOLDER_S
    while True:
        with suppress(OSError, UnicodeDecodeError):
            name = folder.holder_path.read_text()[:200]
            if not _is_gone(name):
                return printable(name)
        if time.monotonic() > until:
            return "another process"
        time.sleep(0.01)


def _is_gone(name: str) -> bool:
    """Return whether a killed process of this machine has left this name."""
    found = re.fullmatch(r"process (\d{1,9}) on (.+)", name)
    if found is None or found[2] != socket.gethostname():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
