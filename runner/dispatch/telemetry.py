"""What workers tell of their work beside its results, gathered to be written together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.dispatch.dispatcher import Piece
from runner.engines.simd.fingerprint import Fingerprint, digest
from runner.experiment import content_hash
from runner.study.differences import recorded_versions
from runner.study.writer import Writer

_NOT_RECORDED = ("solved", "steps", "programs")  # of what a worker tells of a piece


class Telemetry:
    """The telemetry of one run.

    Parameters
    ----------
    writer : Writer
        Writes it.

    Notes
    -----
    Nothing depends on telemetry, so what waits when a process dies may be lost. The versions and
    the code are those of this process, which its workers have too.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lines: list[dict[str, Any]] = []
        self._recorded: set[str] = set()  # digests of programs
        self._known: dict[tuple[int, int], frozenset[str]] = {}  # the same, by group of a round
        self._versions = ""  # their name, once they are recorded

    def known(self, group: tuple[int, int]) -> frozenset[str]:
        """Return the digests of the programs of a `Batch.group_of_round` that are recorded."""
        return self._known.get(group, frozenset())

    def note(self, piece: Piece, worker: str, told: Mapping[str, Any]) -> str:
        """Keep what a worker tells of a piece; return the digest of its programs, empty if none."""
        self._lines.append(
            {"start": piece.start, "stop": piece.stop, "group": piece.batch.group, "worker": worker}
            | {"versions": self._recorded_versions()}
            | ({"round": piece.batch.round} if piece.batch.round else {})
            | {key: value for key, value in told.items() if key not in _NOT_RECORDED}
        )
        return self._digest(piece.batch.group_of_round, told.get("programs"))

    def write(self) -> None:
        """Write what waits."""
        lines, self._lines = self._lines, []
        if lines:
            self._writer.record(*lines)

    def _recorded_versions(self) -> str:
        """Return the name of versions and code, and record what it stands for."""
        if not self._versions:
            versions = recorded_versions()
            self._versions = content_hash.digest(versions)[:16]
            self._writer.record_versions(self._versions, versions)
        return self._versions

    def _digest(
        self, group: tuple[int, int], programs: Mapping[str, Fingerprint] | str | None
    ) -> str:
        """Return the digest of a worker's programs, and record those that are new."""
        if programs is None or isinstance(programs, str):  # of known ones only the digest is told
            return programs or ""
        name = digest(programs)
        if name not in self._recorded:
            self._recorded.add(name)
            self._writer.record_programs(name, programs)
        self._known[group] = self.known(group) | {name}
        return name
