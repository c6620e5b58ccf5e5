"""Commits and their log: one line per batch that is done. What the log lacks did not happen."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.study import files
from runner.study.folder import read_bounded

MAX_BYTES = 2**30
"""Largest log that is read: of five million batches, at some 200 bytes each."""

_DEVICES = ("cpu", "gpu", "cpu+gpu")
_MOST = 10**18  # restarts and groups that any plan can have
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch
_PROGRAMS = re.compile(r"([0-9a-f]{16})?").fullmatch


@dataclass(frozen=True)
class Failure:
    """A restart that could not be trained."""

    position: int
    """Position in the group's restarts."""
    reason: str
    """The exception, in one line."""
    traceback: str
    """Where it was raised, as far as known."""


@dataclass(frozen=True)
class Commit:
    """One line of the log: a batch that is done."""

    batch: Batch
    """The batch that is done."""
    rows: int
    """Rows of its shard; fewer than the batch has restarts where some failed."""
    size: int
    """Size of its shard in bytes."""
    sha256: str
    """SHA-256 of its shard, in hexadecimal."""
    failures: tuple[Failure, ...]
    """Restarts that could not be trained."""
    device: str = "cpu"
    """Kind of device that trained it, cpu or gpu; both, ``cpu+gpu``, if parts were tried anew."""
    programs: str = ""
    """Names the programs that trained it, see `runner.engines.simd.fingerprint.digest`; empty where
    there are none, or not the same ones for all parts."""

    def line(self) -> str:
        """Return the log's line, which ends with its own checksum."""
        # what `asdict` does, in a fifth of the time, which every batch has of the client's
        content = vars(self) | {
            "batch": dict(vars(self.batch)),
            "failures": [vars(failure) for failure in self.failures],
        }
        if not self.batch.round:  # nor did lines have it before studies could grow
            del content["batch"]["round"]
        if not self.programs:  # nor this, before it was recorded
            del content["programs"]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return f"{text} {zlib.crc32(text.encode()):08x}"

    @classmethod
    def parse(cls, line: str) -> Commit:
        """Read a line; raises ValueError if it is not one, whole and unchanged."""
        text, _, check = line.rpartition(" ")
        if f"{zlib.crc32(text.encode()):08x}" != check:
            message = "its checksum does not match"
            raise ValueError(message)
        content = json.loads(text)
        failures = tuple(Failure(**failure) for failure in content.pop("failures"))
        commit = cls(batch=Batch(**content.pop("batch")), failures=failures, **content)
        if not commit._is_consistent():
            message = "its fields are not those of a commit"
            raise ValueError(message)
        return commit

    def _is_consistent(self) -> bool:
        """Whether the fields have their types and agree: a log may come from anywhere."""
        batch = self.batch
        numbers = (batch.group, batch.start, batch.stop, batch.round, self.rows, self.size)
        return (
            all(type(number) is int for number in numbers)
            and _SHA256(str(self.sha256)) is not None
            and self.device in _DEVICES
            and _PROGRAMS(str(self.programs)) is not None
            and 0 <= batch.group < _MOST
            and 0 <= batch.round < _MOST
            and 0 <= batch.start < batch.stop < _MOST
            and len(self.failures) == len(batch) - self.rows
            and (not self.failures or self._fails_consistently())
            and self.size >= 0
        )

    def _fails_consistently(self) -> bool:
        """Whether the fields of failures have their types, and no restart has two."""
        failed = [failure.position for failure in self.failures]
        texts = [text for failure in self.failures for text in (failure.reason, failure.traceback)]
        return (
            all(type(position) is int for position in failed)
            and all(isinstance(text, str) for text in texts)
            and all(self.batch.start <= position < self.batch.stop for position in failed)
            and len(set(failed)) == len(failed)
        )


class Log:
    """The file ``commits.jsonl``.

    Parameters
    ----------
    path : Path
        Need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, commits: Sequence[Commit]) -> None:
        """Make commits durable, all with one sync."""
        files.append_lines(self.path, [commit.line() for commit in commits])

    def read(self) -> list[Commit]:
        """Return every commit, in order; what a crash left of a last line is no commit.

        Raises
        ------
        StudyError
            If another line is damaged, or a batch is there twice.
        """
        commits: dict[Batch, Commit] = {}
        for number, line in enumerate(self.lines()[0], start=1):
            commit = parsed(line)
            if commit is None or commit.batch in commits:
                what = "damaged" if commit is None else "a duplicate"
                message = (
                    f"{printable(str(self.path))}: line {number} is {what}. Run "
                    f"`python -m runner verify {printable(str(self.path.parent))} --repair`."
                )
                raise StudyError(message)
            commits[commit.batch] = commit
        return list(commits.values())

    def lines(self) -> tuple[list[bytes], bytes]:
        """Return the whole lines, and what a crash left of one more.

        Raises
        ------
        StudyError
            If the file is a link, or larger than `MAX_BYTES`.
        """
        try:
            *whole, torn = read_bounded(self.path, MAX_BYTES).split(b"\n")
        except FileNotFoundError:
            return [], b""
        return whole, torn

    def whole(self) -> list[Commit]:
        """Return every commit that can be read; what is none counts for nothing."""
        found = map(parsed, self.lines()[0])
        return [commit for commit in found if commit is not None]

    def drop_torn_line(self) -> None:
        """Cut what a crash left of a line at the end; its batch did not happen."""
        _, torn = self.lines()
        if torn:
            files.truncate(self.path, self.path.stat().st_size - len(torn))

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Replace the file by these lines."""
        files.replace(self.path, b"".join(line + b"\n" for line in lines))


def parsed(line: bytes) -> Commit | None:
    """Read a line, or return None if it is damaged."""
    try:
        return Commit.parse(line.decode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
