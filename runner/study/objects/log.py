"""The log as it lies in a store, and what it and a folder's log make together.

Both only grow, and a batch has the same bytes wherever it is trained. So two logs of one plan never
contradict each other, whoever trained what, unless something is broken; then nothing is written.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.study.commits import MAX_BYTES as MOST_OF_LOG
from runner.study.commits import Commit, parsed
from runner.study.objects import object_names
from runner.study.objects.object_store import Meta, ObjectStore

MOST_OF_SHARD = 2**32
"""Bytes of a shard that is pulled; no study has one that comes near."""


_MOST_TOGETHER = 64
_BYTES_TOGETHER = 2**28  # beyond which a shard is alone


@dataclass(frozen=True)
class Lines:
    """The whole lines of a log."""

    commits: dict[Batch, Commit]
    lines: dict[Batch, bytes]
    """What is written of each."""

    @classmethod
    def parse(cls, data: bytes, where: str) -> Lines:
        """Read a log; what a crash has left of a last line is no line."""
        found, others = cls.sorted_out(data)
        if others:
            message = (
                f"{where}: line {others[0]} of commits.jsonl is damaged, or there twice; expected "
                f"a commit. Run `python -m runner verify {where} --repair`."
            )
            raise StudyError(message)
        return found

    @classmethod
    def sorted_out(cls, data: bytes) -> tuple[Lines, list[int]]:
        """Return the lines that are commits, and the numbers of those that are none."""
        commits: dict[Batch, Commit] = {}
        lines: dict[Batch, bytes] = {}
        others = []
        for number, line in enumerate(data.split(b"\n")[:-1], start=1):
            commit = parsed(line)
            if commit is None or commit.batch in commits or not _is_possible(commit):
                others.append(number)
            else:
                commits[commit.batch], lines[commit.batch] = commit, line
        return cls(commits, lines), others

    @property
    def data(self) -> bytes:
        """The log's bytes."""
        return b"".join(line + b"\n" for line in self.lines.values())

    def with_commits(self, more: Iterable[Commit]) -> Lines:
        """Return these lines, and after them those of other batches."""
        new = {commit.batch: commit for commit in more if commit.batch not in self.commits}
        lines = {batch: commit.line().encode() for batch, commit in new.items()}
        return Lines(self.commits | new, self.lines | lines)

    def with_those_of(self, other: Lines, where: str) -> Lines:
        """Return these lines, and after them what the other log has besides."""
        for batch in self.commits.keys() & other.commits.keys():
            if self.commits[batch].sha256 != other.commits[batch].sha256:
                message = (
                    f"{where}: batch {batch.name} has SHA-256 {self.commits[batch].sha256[:16]} in "
                    f"the store and {other.commits[batch].sha256[:16]} in the folder; expected the "
                    "same bits. Nothing was changed. Verify both, and keep the one that is whole."
                )
                raise StudyError(message)
        return Lines(other.commits | self.commits, self.lines | _without(other, self))


def _without(other: Lines, known: Lines) -> dict[Batch, bytes]:
    return {batch: line for batch, line in other.lines.items() if batch not in known.lines}


def _is_possible(commit: Commit) -> bool:
    return object_names.is_shard(shard_name(commit.batch)) and commit.size <= MOST_OF_SHARD


def groups(commits: Sequence[Commit]) -> Iterator[list[Commit]]:
    """Cut commits into groups whose shards are in memory together: few, and not too large."""
    group: list[Commit] = []
    size = 0
    for commit in commits:
        if group and (len(group) == _MOST_TOGETHER or size + commit.size > _BYTES_TOGETHER):
            yield group
            group, size = [], 0
        group.append(commit)
        size += commit.size
    if group:
        yield group


def shard_name(batch: Batch) -> str:
    """Return the name of a batch's shard as an object."""
    return f"shards/{batch.name}.parquet"


def log_bytes(objects: ObjectStore) -> tuple[bytes, Meta | None]:
    """Return the store's log as it lies there and its state; nothing where there is no log."""
    try:
        return objects.get(object_names.LOG, MOST_OF_LOG)
    except FileNotFoundError:
        return b"", None


def stored_log(objects: ObjectStore, distrusted: Container[str] = ()) -> tuple[Lines, Meta | None]:
    """Return the store's log and its state; of one that is distrusted what can be read of it."""
    data, meta = log_bytes(objects)
    if object_names.LOG in distrusted:
        return Lines.sorted_out(data)[0], meta
    return Lines.parse(data, objects.url), meta
