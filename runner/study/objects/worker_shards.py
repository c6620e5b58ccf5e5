"""Shards that workers write into the store themselves, of a study whose home is a URL.

A worker makes the object of its batch's shard, only where there is none and only while its client
has the lease, and tells its size, its SHA-256 and the *e_tag* by which the store names what was
written. The rule by which the client commits the batch without reading the shard:

1. The store says of the object, when asked, just this size and this e_tag. So it is whole,
   durable, and what the worker has written. Of one batch in `runner.study.staging.VERIFIED`, chosen
   by a hash of its name, all bytes are read and compared with the SHA-256, and so they are where
   the store has no e_tag or another one.
2. The batch's line is synced to a file of the copy, `runner.study.objects.waiting`, and pushed with
   the log. The shard itself comes into the copy before anything there is computed from it, and is
   then compared with the SHA-256.

So bytes pass neither the scheduler nor, while others are trained, the client.

What can go wrong, and why nothing of it is lost or counted twice:

- *A worker dies after it has written*, or the client before the line is synced: no log names the
  object. The batch is trained again, and the worker finds its own bytes there.
- *The answer to a worker's write is lost*: it finds its own bytes, and tells what the store says of
  them.
- *The object has other bytes*: a worker that computes otherwise has made it, or one of a study that
  was replaced. Workers replace nothing: this one sends its bytes, and the client's push replaces
  the object as it was when it was read.
- *The store refuses a worker or answers too late, or the lease is another's by now*: likewise the
  bytes are sent. What the client then cannot push stays in its copy.
- *The store does not answer the client*, or has no such object: the batch is trained again.
- *A worker of an earlier run still works*: it can make an object that no log names, and no more.
- *The client dies, and goes on in the same copy*: the lines that wait are there; their shards are
  pulled, and a batch whose object is gone is trained again. *On another machine* the store's log
  says what is done; what was not pushed yet is trained again, and found there.
- *A study is being replaced*, so that its objects have yet to be removed: until then shards are
  read into the copy and count as its own, so that none is removed with the old ones.
- *The object is lost or changed after it was committed*: whoever reads it is told, as the log has
  its SHA-256, and `verify --repair` has it trained again where no copy has it.
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
from runner.study.staging import is_verified


@dataclass(frozen=True)
class StoredShard:
    """A shard that a worker has written into the store, or found there."""

    size: int
    """Bytes."""
    sha256: str
    """In hexadecimal."""
    e_tag: str | None
    """Of the object; None where the store has none."""


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
                meta = objects.put(name, shard, "create")
            except Changed:
                there, meta = objects.get(name, len(shard))
                if there != shard:
                    return None
        except (StudyError, FileNotFoundError):
            return None
        return StoredShard(len(shard), sha256(shard), meta.e_tag)


class StoredShards:
    """What the client knows of shards that workers have written.

    Parameters
    ----------
    objects : ObjectStore
    token : str
        Of the lease.
    reads : bool
        Whether all are read, as objects are still to be removed there; ends with `read_no_more`.
    """

    def __init__(self, objects: ObjectStore, token: str, *, reads: bool = False) -> None:
        self.place = WorkersPlace(objects.url, token)
        self._objects = objects
        self._reads = reads
        self._seen: dict[str, tuple[str, Meta]] = {}  # SHA-256 and state, by object

    def read_no_more(self) -> None:
        """Take what is told from now on by the rule at the top of this file."""
        self._reads = False

    def checked(self, batch: Batch, shard: StoredShard) -> StoredShard | bytes | None:
        """Return a shard that can be committed, or its bytes; None if it is not as was told."""
        name, reads = shard_name(batch), self._reads
        try:
            if not (reads or is_verified(batch) or shard.e_tag is None):
                meta = self._objects.head(name)
                if (meta.size, meta.e_tag) == (shard.size, shard.e_tag):
                    self._seen[name] = shard.sha256, meta
                    return shard
            data, meta = self._objects.get(name, shard.size)
        except (StudyError, FileNotFoundError):
            return None
        if sha256(data) != shard.sha256:
            return None
        if reads:  # the object may be removed yet
            return data
        self._seen[name] = shard.sha256, meta
        return shard if meta.e_tag is not None and meta.e_tag == shard.e_tag else data

    def state(self, commit: Commit) -> Meta | None:
        """Return the state in which an object was seen, if it is the shard of a commit."""
        found, meta = self._seen.get(shard_name(commit.batch), ("", None))
        return meta if found == commit.sha256 else None


@lru_cache(maxsize=4)
def _objects(url: str, _: str) -> ObjectStore:
    return ObjectStore(url)  # which keeps its connections to the server that is named then
