"""From an object store into a folder: every file verified before it counts, the log last.

What is read of the store comes from whoever can write there. Names that no study gives its files
are passed over, sizes are bounded before anything is read, a shard must be what the log says it is.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path, PurePosixPath

from runner.errors import StudyError
from runner.errors.messages import counted
from runner.study import files
from runner.study.commits import MAX_BYTES as MOST_OF_LOG
from runner.study.commits import Commit
from runner.study.files import side_by_side
from runner.study.folder import StudyFolder, read_bounded, require_file
from runner.study.lock import StudyLock
from runner.study.objects import object_names
from runner.study.objects.log import Lines, groups, shard_name, stored_log
from runner.study.objects.object_store import Meta, ObjectStore
from runner.study.objects.push import Moved, changed_on_both_sides
from runner.study.objects.state import ObjectState, sha256
from runner.study.writer import Writer

MOST_OF_OTHERS = 2**34
"""Bytes of all tables, telemetry and such that are pulled at once."""


class Pull:
    """Pulls what a folder lacks of a study.

    Parameters
    ----------
    objects : ObjectStore
    folder : StudyFolder
        May have a part of the study, and batches that the store lacks.
    lock : StudyLock
        The folder's.
    state : ObjectState
    gives_way : bool
        Whether another study here gives way to the store's, if all of it was pulled or pushed: in
        a copy of the runner's own, never in a folder that a user has named.
    distrusted : collection of str
        Names of what is damaged in the store, and not pulled; of the log, its whole lines are.
    """

    def __init__(
        self,
        objects: ObjectStore,
        folder: StudyFolder,
        lock: StudyLock,
        state: ObjectState,
        *,
        gives_way: bool = False,
        distrusted: Container[str] = (),
    ) -> None:
        self._objects = objects
        self._folder = folder
        self._lock = lock
        self._state = state
        self._gives_way = gives_way
        self._distrusted = distrusted
        self.moved = Moved()

    def run(self) -> bool:
        """Pull; return whether there is a study.

        Raises
        ------
        StudyError
            If the folder has another study, or one whose batches have other bits; if an object is
            not what the log says; if the store fails, or the disk.
        """
        self._lock.require(self._folder)
        # the log before the listing: what it names was there then
        stored, _ = stored_log(self._objects, self._distrusted)
        there = self._objects.listing()
        if object_names.PLAN not in there:
            return False
        with self._folder.writing():
            planned = self._plan(there)
            others = self._others(there)
            here = self._local_log()
            together = stored.with_those_of(here, self._objects.url)
            self._shards(stored, here)
            for name, data in planned.items():
                self._write(name, data)
            for name in others:
                self._other(name)
            if together.data != here.data:
                files.replace(self._folder.log_path, together.data)
                self.moved.add([len(stored.data)])
            self._state.log = sha256(stored.data)
            self._state.write()
        return True

    def _plan(self, there: dict[str, Meta]) -> dict[str, bytes]:
        """Get the plan's files that are not here, or not known to be the same."""
        names = object_names.fixed(there)
        if sum(there[name].size for name in names) > object_names.MOST_OF_PLAN:
            message = (
                f"{self._objects.url}: the plan has more than {object_names.MOST_OF_PLAN:,} bytes; "
                "expected less. Look at what has written it."
            )
            raise StudyError(message)
        found = {}
        for name in names:
            path = self._folder.path / name
            require_file(path)
            here = path.read_bytes() if path.is_file() else None
            known = self._state.known.get(name)
            unchanged = known is not None and known.is_object(there[name])
            if known and here is not None and unchanged and known.sha256 == sha256(here):
                continue
            try:
                data, meta = self._objects.get(name, object_names.MOST_OF_PLAN)
            except FileNotFoundError:
                message = (
                    f"{self._objects.url}: another client has removed {name} meanwhile; expected "
                    "one client at a time. Nothing is lost; run the same command again."
                )
                raise StudyError(message) from None
            if here is not None and here != data:
                self._give_way(name)
                return self._plan(there)
            found[name] = data
            self._state.note(name, data, meta)
        return found

    def _give_way(self, name: str) -> None:
        """Remove what is here of another study, if it may be."""
        here = self._local_log()
        only_here = bool(here.lines) and sha256(here.data) != self._state.log
        if only_here or not self._gives_way:
            batches = counted(len(here.lines), "batch", "batches")
            also = f", and the folder has {batches} that may be nowhere else" if only_here else ""
            message = (
                f"{self._folder.where}: {name} is not that of {self._objects.url}{also}; expected "
                "the same study. Move the folder away, or choose another, or another URL."
            )
            raise StudyError(message)
        Writer(self._folder, self._lock).clear()
        self._state.known.clear()

    def _local_log(self) -> Lines:
        try:
            data = read_bounded(self._folder.log_path, MOST_OF_LOG)
        except FileNotFoundError:
            data = b""
        return Lines.parse(data, self._folder.where)

    def _shards(self, stored: Lines, here: Lines) -> None:
        """Get the shards that are not here."""
        trusted = [
            c for c in stored.commits.values() if shard_name(c.batch) not in self._distrusted
        ]
        wanted = [c for c in trusted if not self._is_here(c, here)]
        for group in groups(wanted):  # got before they are written and synced together
            contents = dict(zip(map(self._path, group), self._get(group), strict=True))
            for path in contents:
                files.make_folder(path.parent)
                require_file(path)
            files.write_side_by_side(contents)
            for folder in sorted({path.parent for path in contents}):
                files.sync_folder(folder)

    def _is_here(self, commit: Commit, here: Lines) -> bool:
        path = self._path(commit)
        if self._folder.is_linked(path):
            raise self._folder.damaged(f"{shard_name(commit.batch)} lies behind a symbolic link")
        if not path.is_file() or path.stat().st_size != commit.size:
            return False
        # one that the log here does not name may be half written, behind its right size
        return commit.batch in here.commits or sha256(path.read_bytes()) == commit.sha256

    def _path(self, commit: Commit) -> Path:
        return self._folder.path / shard_name(commit.batch)

    def _get(self, group: Sequence[Commit]) -> list[bytes]:
        found = side_by_side(self._get_shard, group)
        self.moved.add([len(data) for data in found])
        return found

    def _get_shard(self, commit: Commit) -> bytes:
        name = shard_name(commit.batch)
        try:
            data, _ = self._objects.get(name, commit.size)
        except FileNotFoundError:
            data = b""
        if len(data) != commit.size or sha256(data) != commit.sha256:
            message = (
                f"{self._objects.url}: {name} is missing, or not as the log says; expected "
                f"{commit.size:,} bytes with SHA-256 {commit.sha256[:16]}. Run `python -m runner "
                f"verify {self._objects.url} --repair`."
            )
            raise StudyError(message)
        return data

    def _others(self, there: dict[str, Meta]) -> list[str]:
        """Return which tables and such are to be got: what was changed there, and not here.

        Before anything is written, or half of an analysis would be the store's.
        """
        self._require_files({n for n in there if object_names.most_bytes(n) is not None})
        wanted, both = [], []
        for name in sorted(there):
            most = object_names.most_bytes(name)
            if most is None:
                continue
            path = self._folder.path / name
            known = self._state.known.get(name)
            if self._folder.is_linked(path) or not path.is_file():
                wanted.append(name)
            elif known and known.is_object(there[name]):
                pass  # what is here may be newer, and is pushed then
            elif object_names.is_lines(name) or (known and known.sha256 == _sha256_of(path)):
                wanted.append(name)
            elif name != "experiment.toml":  # which is changed where a folder grows
                try:
                    data, meta = self._objects.get(name, most)
                except FileNotFoundError:
                    continue  # it was removed since
                if sha256(data) != _sha256_of(path):
                    both.append(name)
                else:
                    self._state.note(name, data, meta)
        if both:
            raise StudyError(changed_on_both_sides(self._objects.url, self._folder, both))
        if (size := sum(there[name].size for name in wanted)) > MOST_OF_OTHERS:
            message = (
                f"{self._objects.url}: tables and such have {size:,} bytes; expected at most "
                f"{MOST_OF_OTHERS:,}. Look at what has written them."
            )
            raise StudyError(message)
        return wanted

    def _require_files(self, names: set[str]) -> None:
        """Raise StudyError if a folder cannot hold objects, which have no folders, as files."""
        for name in sorted(names):
            inside = PurePosixPath(name).parents
            above = [p for p in map(str, inside) if p in names or (self._folder.path / p).is_file()]
            if above or (self._folder.path / name).is_dir():
                message = (
                    f"{self._objects.url}: {above[0] if above else name} is a file and a folder, "
                    f"in the store or in {self._folder.where}; expected one of them. Remove the "
                    "one that is no study's."
                )
                raise StudyError(message)

    def _other(self, name: str) -> None:
        """Get a file of which the last one counts."""
        path = self._folder.path / name
        try:
            data, meta = self._objects.get(name, object_names.most_bytes(name) or 0)
        except FileNotFoundError:
            return  # it was removed since
        self._write(
            name, self._with_lines_here(path, data) if object_names.is_lines(name) else data
        )
        self._state.note(name, data, meta)

    def _with_lines_here(self, path: Path, data: bytes) -> bytes:
        """Add lines of telemetry that only this folder has."""
        try:
            here = read_bounded(path, MOST_OF_LOG)
        except FileNotFoundError:
            return data
        known = set(data.split(b"\n"))
        return data + b"".join(line + b"\n" for line in here.split(b"\n")[:-1] if line not in known)

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder.path / name
        if self._folder.is_linked(path):
            raise self._folder.damaged(f"{name} lies behind a symbolic link")
        if not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data):
            files.make_folder(path.parent)
            files.replace(path, data)
            self.moved.add([len(data)])


def _sha256_of(path: Path) -> str:
    return sha256(path.read_bytes())
