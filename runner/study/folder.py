"""The folder of a study: every path in it, and what a disk refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import local_path
from runner.experiment.batches import Batch
from runner.study import files


def require_file(path: Path) -> None:
    """Raise StudyError if a study's file or folder is a link, or neither file nor folder.

    A study from elsewhere could name any file: to be read, or to have lines appended to it. Of a
    named pipe nobody knows when it ends.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        message = (
            f"{printable(str(path))} is a pipe or a device; expected a file. Remove it, or restore "
            "the file from a copy."
        )
        raise StudyError(message)
    if path.is_symlink():
        kind = "folder" if path.is_dir() else "file"
        message = (
            f"{printable(str(path))} is a symbolic link; expected a {kind}. Put the {kind} itself "
            "into the study's folder."
        )
        raise StudyError(message)


def read_bounded(path: Path, most: int) -> bytes:
    """Read a study's file whole.

    Parameters
    ----------
    path : Path
    most : int
        Bytes; a file of a study from elsewhere may be larger than the memory.

    Raises
    ------
    StudyError
        If it is a link, or larger.
    FileNotFoundError
        If it does not exist.
    """
    require_file(path)
    size = path.stat().st_size
    if size > most:
        message = (
            f"{printable(str(path))} has {size:,} bytes; expected at most {most:,}. Restore it "
            "from a copy, or run the sweep again into another folder."
        )
        raise StudyError(message)
    return path.read_bytes()


def read_telemetry(path: Path) -> list[dict[str, Any]]:
    """Return what the lines of a file of telemetry hold, of which one may be torn, or all be gone.

    Raises
    ------
    StudyError
        If it or its folder is a link, or larger than any.
    """
    require_file(path.parent)
    found: list[dict[str, Any]] = []
    with suppress(OSError):
        for line in read_bounded(path, _MOST_TELEMETRY).split(b"\n"):
            with suppress(ValueError, TypeError, RecursionError):
                found.append(dict(json.loads(line)))
    return found


_MOST_TELEMETRY = 2**30


class StudyFolder:
    """The paths in a study's folder.

    Parameters
    ----------
    path : Path or str
        The folder; need not exist yet.

    Raises
    ------
    StudyError
        If ``path`` is a URI.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = local_path(path, StudyError)

    @property
    def where(self) -> str:
        """The folder, as messages name it."""
        return printable(str(self.path))

    @property
    def plan_path(self) -> Path:
        """What was first asked for: immutable, with its own hash."""
        return self.path / "plan.json"

    @property
    def rounds_path(self) -> Path:
        """Folder of what has been added to the plan since, a file for each growth."""
        return self.path / "rounds"

    def round_path(self, number: int) -> Path:
        """Return the path of a growth's file; the first growth is round 1."""
        return self.rounds_path / f"{number:03d}.json"

    @property
    def experiment_path(self) -> Path:
        """The experiment as it was run, for people and for another run."""
        return self.path / "experiment.toml"

    @property
    def configurations_path(self) -> Path:
        """Every setting of every configuration, for other programs; nothing here reads it."""
        return self.path / "configurations.parquet"

    @property
    def log_path(self) -> Path:
        """The log of commits; see `runner.study.commits`."""
        return self.path / "commits.jsonl"

    @property
    def telemetry_path(self) -> Path:
        """One line per batch with times and places; differs from run to run."""
        return self.path / "telemetry" / "batches.jsonl"

    @property
    def audit_path(self) -> Path:
        """One line per batch that was trained a second time, to compare."""
        return self.path / "telemetry" / "audit.jsonl"

    @property
    def programs_path(self) -> Path:
        """Operations of the programs that have trained batches, a line for each set of programs."""
        return self.path / "telemetry" / "programs.jsonl"

    @property
    def versions_path(self) -> Path:
        """Versions and code that have trained batches, a line for each that a run had."""
        return self.path / "telemetry" / "versions.jsonl"

    @property
    def shards_path(self) -> Path:
        """Folder of the shards."""
        return self.path / "shards"

    def shard_path(self, batch: Batch) -> Path:
        """Return the path of a batch's shard."""
        return self.shards_path / f"{batch.name}.parquet"

    @property
    def staging_path(self) -> Path:
        """Where workers put shards that share the folder; see `runner.study.staging`."""
        return self.path / "staging"

    @property
    def waiting_path(self) -> Path:
        """Lines of the log whose shards are in a store only; see `runner.study.objects.waiting`."""
        return self.path / ".objects.waiting.jsonl"

    @property
    def report_path(self) -> Path:
        """The report, one self-contained file."""
        return self.path / "report.html"

    @property
    def tables_path(self) -> Path:
        """Folder of the tables that analysis adds."""
        return self.path / "tables"

    @property
    def inspected_path(self) -> Path:
        """Folder of what an analysis has found of restarts, kept for the next one."""
        return self.tables_path / "inspected"

    @property
    def lock_path(self) -> Path:
        """Locked by the process that writes."""
        return self.path / ".lock"

    @property
    def holder_path(self) -> Path:
        """The name of the process that holds the lock."""
        return self.path / ".lock.holder"

    @property
    def quarantine_path(self) -> Path:
        """Where damaged files are moved; nothing is ever deleted for being damaged."""
        return self.path / "quarantine"

    @property
    def upgrade_path(self) -> Path:
        """Where `runner.study.upgrade` makes what is to take the place of an earlier format."""
        return self.path / "upgrade"

    @property
    def upgrade_ready_path(self) -> Path:
        """There while what has been made takes its place."""
        return self.upgrade_path / "ready"

    @property
    def is_being_upgraded(self) -> bool:
        """Whether an upgrade stopped when files of both formats were in the study."""
        return self.upgrade_ready_path.is_file()

    @property
    def exists(self) -> bool:
        """Whether there is a plan in the folder."""
        return self.plan_path.is_file()

    def temporaries(self) -> list[Path]:
        """Return the half-written files that a crash has left.

        Only names that a study gives to its files: a file with that suffix may also be a user's.
        """
        own = [self.plan_path, self.experiment_path, self.configurations_path, self.log_path]
        own += [self.report_path, self.holder_path]
        found = [path.with_name(path.name + files.TEMPORARY) for path in own]
        if self.exists:
            places = {self.shards_path: "*", self.tables_path: "*", self.rounds_path: "*"}
            places[self.quarantine_path] = f"*-{self.log_path.name}"
            for folder, names in places.items():
                if not folder.is_symlink():
                    found += folder.rglob(names + files.TEMPORARY)
        return [path for path in found if path.is_file()]

    def require_no_links(self) -> None:
        """Raise StudyError if a folder that a writer changes is a link, perhaps out of the study.

        The shards' own is left out, since ``verify --repair`` can put that right.
        """
        parts = (self.tables_path / "parts", self.tables_path / "map", self.inspected_path)
        own = (self.telemetry_path.parent, self.tables_path, *parts, self.quarantine_path)
        for path in (*own, self.rounds_path, self.upgrade_path, self.staging_path):
            require_file(path)

    def is_linked(self, path: Path) -> bool:
        """Whether a path in the folder leads through a symbolic link, perhaps out of it."""
        inside = path.relative_to(self.path)
        return any((self.path / part).is_symlink() for part in (inside, *inside.parents[:-1]))

    def damaged(self, problem: str) -> StudyError:
        """Return the error that says what is wrong with a study's files, and what to do."""
        return StudyError(
            f"{self.where}: {problem}. Run `python -m runner verify {self.where}`; with `--repair` "
            "it puts this right."
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what a disk refuses into a StudyError that says how to continue.

        Only around work on files: what a broken connection raises is an OSError too.
        """
        try:
            yield
        except OSError as error:
            raise self.unwritable(error) from error

    def unwritable(self, error: OSError) -> StudyError:
        """Return what `writing` raises."""
        reason = error.strerror or type(error).__name__
        return StudyError(
            f"{self.where}: cannot write: {reason}. What is committed stays; make room or choose "
            "another folder with out (--out), then run the same command again."
        )
