"""Shards that workers write themselves, into a study's folder that they share with the client.

The client makes ``staging/<run>/`` with a random *token* in it, for one run of a sweep, under the
study's lock. A worker that reads exactly this token sees the client's own folder and no other; it
then *stages* a shard: writes it there, synced, and sends its name, size and SHA-256 in place of its
bytes. The client verifies what it is told and moves the file to its place (`runner.study.writer`).

What can interleave, and why nothing of it is lost or counted twice:

- *A worker dies, or is cut off, after it has written.* Nobody was told of the file. Dask has the
  batch trained again, under another name, as every file's name ends with random digits. The file
  stays where it is until the run ends, or until somebody locks the folder after a crash.
- *Two workers train the same batch*, one of them given up. Both have written, to two names; the
  client moves the one that it accepts, once. The dispatcher ignores a second answer.
- *The client dies* before or after it has moved a file: as without staging, what the log lacks did
  not happen. The next run compares the bytes of a shard that is in its place already.
- *A worker of an earlier run still works* when the next one begins. Its folder and its token are
  gone: workers never make folders, so it cannot write, and says so to nobody.
- *Another folder is mounted at the same path on a worker*, or none, or a stale one: there is no
  such token. A worker is asked for it before it gets work, and reads it again before each shard.
- *A folder is seen late*, as network file systems keep for a while what they have been told of a
  name: a worker waits `LATE_S` for the token before it says that it is not there, and the client
  waits as long for a shard that is not there yet, or not all of it. Other work goes on meanwhile.
- *A foreign file* in there is neither moved nor removed: only names that the client was told in
  this run are moved, only names of the form of a staged shard are removed.

Only the file itself need be durable before the client hears of it. Its name in ``staging/`` may be
lost, as its name in ``shards/`` is what counts, and that is the client's to make durable.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.study import files
from runner.study.folder import StudyFolder

VERIFIED = 64
"""The client reads one staged shard in so many to compare its SHA-256; of all it compares sizes."""

LATE_S = 60.0
"""How long one machine may see later what another has written: as NFS remembers by default."""

_LATE = (errno.ENOENT, errno.ESTALE)  # what is told of a name that is not seen yet
_TOKEN = "token"  # noqa: S105  (a file's name)
_RUN = re.compile(r"[0-9a-f]{16}")
_SHARD = re.compile(r"[r0-9-]+\.[0-9a-f]{12}\.parquet")


@dataclass(frozen=True)
class StagedShard:
    """A shard that a worker has written and synced."""

    name: str
    """Name of its file in the run's folder of ``staging/``."""
    size: int
    """Bytes."""
    sha256: str
    """SHA-256 of what was to be written, in hexadecimal."""


@dataclass(frozen=True)
class Staging:
    """One run's folder for staged shards; small, as it is sent to workers."""

    folder: str
    """The folder, an absolute path."""
    token: str
    """What the file ``token`` in it must hold."""

    def problem(self) -> str:
        """Return why this process does not share the folder with the client; empty if it does."""
        path = self._path(_TOKEN)
        expected = "expected the token that the client wrote there for this sweep"
        try:
            descriptor = os.open(path, os.O_RDONLY | files.NO_FOLLOW)
            try:
                found = os.read(descriptor, len(self.token) + 1)
            finally:
                os.close(descriptor)
        except OSError as error:
            return f"{printable(path)} cannot be read ({error.strerror}); {expected}"
        if found != self.token.encode():
            return f"{printable(path)} holds another token; {expected}"
        if not os.access(self.folder, os.W_OK | os.X_OK):
            return f"{printable(self.folder)} cannot be written to; expected a folder for shards"
        return ""

    def stage(self, batch_name: str, shard: bytes) -> StagedShard:
        """Write a shard whole and synced; raises OSError if the disk refuses, and leaves nothing.

        Parameters
        ----------
        batch_name : str
            Tells people what it is; random digits tell it from all others.
        shard : bytes
        """
        name = f"{batch_name.replace('/', '-')}.{secrets.token_hex(6)}.parquet"
        path = Path(self._path(name))
        try:
            files.write(path, shard)
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        return StagedShard(name, len(shard), hashlib.sha256(shard).hexdigest())

    def path(self, shard: StagedShard) -> Path:
        """Return the path of a staged shard."""
        return Path(self._path(shard.name))

    def is_late(self, shard: StagedShard | None = None) -> bool:
        """Return whether a shard, or else the token, is not here, or not all of it: not yet."""
        if shard is not None and not _SHARD.fullmatch(shard.name):
            return False
        path = self._path(_TOKEN) if shard is None else self.path(shard)
        try:
            # opened, as a network file system then asks anew
            descriptor = os.open(path, os.O_RDONLY | files.NO_FOLLOW | files.NO_WAIT)
        except OSError as error:
            return error.errno in _LATE
        try:
            found = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        size = len(self.token) if shard is None else shard.size
        return stat.S_ISREG(found.st_mode) and found.st_size < size

    def disagreement(self, shard: StagedShard, batch: Batch) -> str:
        """Return how a staged file differs from what its worker has said; empty if it does not.

        The rule: a regular file of that name and of that size; and, of one batch in `VERIFIED`,
        chosen by a hash of its name, the SHA-256 of all its bytes.
        """
        if not _SHARD.fullmatch(shard.name):
            return f"{printable(shard.name)!r} is no name of a staged shard"
        try:
            if is_verified(batch):
                self.read(shard)
                return ""
            descriptor = os.open(self.path(shard), os.O_RDONLY | files.NO_FOLLOW | files.NO_WAIT)
            try:
                found = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            return f"{printable(shard.name)} cannot be read ({error.strerror})"
        except ValueError as error:
            return str(error)
        return _size_problem(found, shard)

    def read(self, shard: StagedShard) -> bytes:
        """Return the bytes of a staged shard.

        Raises
        ------
        OSError
            If it cannot be read.
        ValueError
            If it is not what its worker has said.
        """
        descriptor = os.open(self.path(shard), os.O_RDONLY | files.NO_FOLLOW | files.NO_WAIT)
        with open(descriptor, "rb") as file:
            problem = _size_problem(os.fstat(descriptor), shard)
            content = b"" if problem else file.read(shard.size + 1)
        if not problem and hashlib.sha256(content).hexdigest() != shard.sha256:
            problem = f"{shard.name} has another SHA-256 than its worker has said"
        if problem:
            raise ValueError(problem)
        return content

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def is_verified(batch: Batch) -> bool:
    """Whether a batch is one of those whose bytes the client compares, by a hash of its name."""
    return hashlib.sha256(batch.name.encode()).digest()[0] % VERIFIED == 0


def _size_problem(found: os.stat_result, shard: StagedShard) -> str:
    if not stat.S_ISREG(found.st_mode):
        return f"{shard.name} is no file"
    if found.st_size != shard.size:
        return f"{shard.name} has {found.st_size:,} bytes, not the {shard.size:,} that it should"
    return ""


@contextmanager
def staging(folder: StudyFolder) -> Iterator[Staging]:
    """Make a run's folder with a token of its own; it is gone when the context ends.

    Only for whoever holds the study's lock.
    """
    path = folder.staging_path.resolve() / secrets.token_hex(8)
    made = Staging(str(path), secrets.token_hex(16))
    with folder.writing():
        files.make_folder(path)
        files.write(path / _TOKEN, made.token.encode(), durable=False)
    try:
        yield made
    finally:
        with suppress(OSError):  # whoever locks the study next tries again
            remove_staged(folder)


def remove_staged(folder: StudyFolder) -> None:
    """Remove what runs have left in ``staging/``, and nothing else; for whoever holds the lock."""
    if folder.staging_path.is_symlink() or not folder.staging_path.is_dir():
        return
    for run in folder.staging_path.iterdir():
        if not _RUN.fullmatch(run.name) or run.is_symlink() or not run.is_dir():
            continue
        for path in run.iterdir():
            if path.name == _TOKEN or _SHARD.fullmatch(path.name):
                path.unlink(missing_ok=True)
        with suppress(OSError):  # something foreign is in there, or a worker has just written
            run.rmdir()
    with suppress(OSError):
        folder.staging_path.rmdir()
