"""Shards that workers write into the store themselves, of a study whose home is a URL.

A worker makes the object of its batch's shard, only where there is none and only while its client
has the lease, and tells size and SHA-256 in place of the bytes. The client *fetches* the shard,
compares it with what was told, and commits it in its copy as any other; what it then pushes is the
log. So bytes do not pass the scheduler, and are not written into the store a second time.

What can go wrong, and why nothing of it is lost or counted twice:

- *A worker dies after it has written*, or the client before it has logged the batch: no log names
  the object. The batch is trained again, and the worker finds its own bytes there.
- *The object has other bytes*: a worker that computes otherwise has made it, or one of a study that
  was replaced. Workers replace nothing: this one sends its bytes, and the client's push replaces
  the object as it was when it was read.
- *The store refuses a worker or answers too late, or the lease is another's by now*: likewise the
  bytes are sent. What the client then cannot push stays in its copy.
- *A worker of an earlier run still works*: it can make an object that no log names, and no more.
- *The store loses or changes the object* before the client has fetched it: the batch is trained
  again. Afterwards the copy has it, and `verify --repair` puts it right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.study.commits import Commit
from runner.study.objects.lease import Lease
from runner.study.objects.log import shard_name
from runner.study.objects.object_store import Changed, Meta, ObjectStore, place
from runner.study.objects.state import sha256


@dataclass(frozen=True)
class StoredShard:
    """A shard that a worker has written into the store, or found there."""

    size: int
    """Bytes."""
    sha256: str
    """In hexadecimal."""


@dataclass(frozen=True)
class WorkersPlace:
    """Where workers write the shards of a study; small, as it is sent with every task."""

    url: str
    """The study's."""
    token: str
    """Of the lease, as long as the client has it."""

    def problem(self) -> str:
        """Return why this process cannot write there; empty if it can."""
        try:
            Lease(_objects(self.url, place(self.url)), self.token).require()
        except StudyError as error:
            return str(error)
        return ""

    def put(self, batch: Batch, shard: bytes) -> StoredShard | None:
        """Write a batch's shard; None if it is not there then, for whatever reason."""
        name, objects = shard_name(batch), _objects(self.url, place(self.url))
        try:
            Lease(objects, self.token).require()
            try:
                objects.put(name, shard, "create")
            except Changed:
                if objects.get(name, len(shard))[0] != shard:
                    return None
        except (StudyError, FileNotFoundError):
            return None
        return StoredShard(len(shard), sha256(shard))


class StoredShards:
    """What the client knows of shards that workers have written.

    Parameters
    ----------
    objects : ObjectStore
    token : str
        Of the lease.
    """

    def __init__(self, objects: ObjectStore, token: str) -> None:
        self.place = WorkersPlace(objects.url, token)
        self._objects = objects
        self._fetched: dict[str, tuple[str, Meta]] = {}  # SHA-256 and state, by object

    def fetch(self, batch: Batch, shard: StoredShard) -> bytes | None:
        """Return the bytes of a batch's shard; None if they are not what was told."""
        name = shard_name(batch)
        try:
            data, meta = self._objects.get(name, shard.size)
        except (StudyError, FileNotFoundError):
            return None
        if sha256(data) != shard.sha256:
            return None
        self._fetched[name] = shard.sha256, meta
        return data

    def state(self, commit: Commit) -> Meta | None:
        """Return the state in which an object was fetched, if it is the shard of a commit."""
        found, meta = self._fetched.get(shard_name(commit.batch), ("", None))
        return meta if found == commit.sha256 else None


@lru_cache(maxsize=4)
def _objects(url: str, _: str) -> ObjectStore:
    return ObjectStore(url)  # which keeps its connections to the server that is named then
