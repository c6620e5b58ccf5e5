"""From a folder into an object store: shards first, the log last, so that what is there opens.

Pushed in this order, each object whole or not at all::

    shards/*, those that the log names      made where there are none; their bytes are the log's
    plan.json, rounds/*.json                likewise, and never changed
    tables/*, telemetry/*, experiment.toml, ...   replaced where they were changed here alone
    commits.jsonl                           replaced only as it was last read, and by more lines

A client that dies leaves objects that no log names yet; the next push finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.errors import StudyError
from runner.errors.messages import counted, printable
from runner.study.commits import MAX_BYTES as MOST_OF_LOG
from runner.study.commits import Commit, Log
from runner.study.files import side_by_side
from runner.study.folder import StudyFolder, read_bounded
from runner.study.objects import object_names, object_store
from runner.study.objects.lease import Lease
from runner.study.objects.log import MOST_OF_SHARD, Lines, groups, shard_name, stored_log
from runner.study.objects.object_store import Changed, Meta, ObjectStore
from runner.study.objects.state import ObjectState, sha256
from runner.study.objects.worker_shards import StoredShards


@dataclass
class Moved:
    """What a push or a pull has moved."""

    files: int = 0
    """How many."""
    size: int = 0
    """Their bytes."""

    def add(self, sizes: Sequence[int]) -> None:
        """Count files of these sizes, in bytes."""
        self.files += len(sizes)
        self.size += sum(sizes)

    def text(self) -> str:
        """Say it in words."""
        if not self.files:
            return "nothing, as nothing was new"
        return f"{counted(self.files, 'file')}, {self.size:,} bytes"


class Push:
    """Pushes a folder's study, as often as is wanted; what the store has is listed once.

    Parameters
    ----------
    folder : StudyFolder
        May be written meanwhile: what its log names is pushed.
    objects : ObjectStore
    state : ObjectState
    lease : Lease
        Taken.
    replaces : bool
        Whether the study that is there is removed first, whatever it is.
    distrusted : iterable of str
        Names of what is damaged in the store, and replaced: shards, or the log.
    """

    def __init__(
        self,
        folder: StudyFolder,
        objects: ObjectStore,
        state: ObjectState,
        lease: Lease,
        *,
        replaces: bool = False,
        distrusted: Iterable[str] = (),
    ) -> None:
        self._folder = folder
        self._objects = objects
        self.state = state
        self._lease = lease
        self._replaces = replaces
        self._distrusted = set(distrusted)
        removes = replaces or bool(state.replaces)
        self.by_workers = StoredShards(objects, state.token, reads=removes)
        self._there: dict[str, Meta] | None = None
        self._log: tuple[Lines, Meta | None] = (Lines({}, {}), None)
        self.moved = Moved()

    def run(self) -> None:
        """Push what the store lacks.

        Raises
        ------
        StudyError
            If the store has another study, or batches that the folder lacks; if a shard here is
            not as the log says; if the lease is not ours any more; if the store fails.
        """
        try:
            self._push()
        except Changed as error:
            self._there = None  # all is looked at again, should it go on
            raise self._changed(str(error)) from None
        finally:  # what both sides have by now is known also after a store has failed
            self.state.write()

    def _push(self) -> None:
        self._lease.require()
        there = self._look()
        lines = self._lines()
        self._require_same_plan(there)
        stored, meta = self._log
        if missing := stored.commits.keys() - lines.commits.keys():
            raise StudyError(
                f"{self._objects.url} has {counted(len(missing), 'batch', 'batches')} that "
                f"{self._folder.where} lacks; expected none. Run `python -m runner pull "
                f"{self._objects.url} {self._folder.where}` first."
            )
        stored.with_those_of(lines, self._objects.url)  # which refuses other bits
        wanted = [c for c in lines.commits.values() if not self._has(there, stored, c)]
        for group in groups(wanted):
            for name, put, size in side_by_side(self._put_shard, group):
                there[name] = put
                self._distrusted.discard(name)
                self.moved.add([size] if size else [])
        names = list(object_names.local_names(self._folder))
        for name in object_names.fixed(names):
            if name not in there:
                there[name] = self._put_fixed(name)
        for name in names:
            if not object_names.is_fixed(name):
                self._put_other(there, name)
        grown = len(lines.commits) > len(stored.commits) or (meta is None and lines.commits)
        if grown or object_names.LOG in self._distrusted:
            self._lease.require()
            meta = self._put_log(lines, meta)
            self._log = lines, meta
            self._distrusted.discard(object_names.LOG)
        self.state.log = sha256(lines.data)

    def _look(self) -> dict[str, Meta]:
        """List what is there, once."""
        if self._there is None:
            there = self._objects.listing()
            if self._replaces or self._is_half_removed(there):
                self.state.replaces = (there.get(object_names.PLAN) or Meta(0, None)).e_tag or ""
                self.state.write()  # first, so that what dies in the middle can be finished
                there = clear(self._objects, there)
                self._replaces, self.state.replaces = False, ""
                self.state.write()
            self.by_workers.read_no_more()
            self._log = stored_log(self._objects, self._distrusted)
            self._there = there
        return self._there

    def _is_half_removed(self, there: dict[str, Meta]) -> bool:
        """Whether what is there is the rest of a study that this folder's is to replace."""
        plan = there.get(object_names.PLAN)
        started = bool(self.state.replaces) and object_names.LOG not in there
        return started and plan is not None and plan.e_tag == self.state.replaces

    def is_replacing(self) -> bool:
        """Whether an earlier process of this folder has died while it removed a study."""
        return self._is_half_removed(self._objects.listing()) if self.state.replaces else False

    def _lines(self) -> Lines:
        """Return the log here, and behind it the lines whose shards are in the store only."""
        waiting = Log(self._folder.waiting_path).whole()  # first: lines go from there into the log
        there = [c for c in waiting if self.by_workers.state(c) is not None]
        lines = Lines.parse(self._local_log(), self._folder.where)
        return lines.with_commits(there)

    def _local_log(self) -> bytes:
        if not self._folder.exists:
            message = (
                f"{self._folder.where} has no study (plan.json is missing); expected a study's "
                "folder. Name another."
            )
            raise StudyError(message)
        try:
            return read_bounded(self._folder.log_path, MOST_OF_LOG)
        except FileNotFoundError:
            return b""

    def _require_same_plan(self, there: dict[str, Meta]) -> None:
        """Raise StudyError if the store has another plan, or has grown otherwise."""
        for name in object_names.fixed(there):
            path = self._folder.path / name
            known = self.state.known.get(name)
            here = b""
            if path.is_file() and not self._folder.is_linked(path):
                here = path.read_bytes()
            if known and known.is_object(there[name]) and known.sha256 == sha256(here):
                continue
            data, meta = self._get(name, object_names.MOST_OF_PLAN)
            if data != here:
                raise StudyError(
                    f"{self._objects.url} has another study than {self._folder.where}, or one that "
                    f"has grown otherwise: {name} differs; expected the same. Choose another URL."
                )
            self.state.note(name, data, meta)

    def _has(self, there: dict[str, Meta], stored: Lines, commit: Commit) -> bool:
        """Whether the store's log vouches for a shard; one that it does not name may be anything.

        That both logs say the same of a batch was seen before.
        """
        name = shard_name(commit.batch)
        if (fetched := self.by_workers.state(commit)) is not None:
            there[name] = fetched
            return True
        found = None if name in self._distrusted else there.get(name)
        return commit.batch in stored.commits and found is not None and found.size == commit.size

    def _put_shard(self, commit: Commit) -> tuple[str, Meta, int]:
        """Put one shard that is as the log says; return its name, its state and the bytes put."""
        name = shard_name(commit.batch)
        path = self._folder.path / name
        try:
            data = b"" if self._folder.is_linked(path) else read_bounded(path, MOST_OF_SHARD)
        except FileNotFoundError:
            data = b""
        if len(data) != commit.size or sha256(data) != commit.sha256:
            raise self._folder.damaged(f"{printable(name)} is missing, or not as the log says")
        try:
            return name, self._objects.put(name, data, "create"), len(data)
        except Changed:
            pass
        # A push that died has left it, or a write of our own whose answer was lost; or it is no
        # shard, and then no log that is right has named it.
        there, meta = self._get(name, MOST_OF_SHARD)
        if there == data:
            return name, meta, 0
        return name, self._objects.put(name, data, meta.condition), len(data)

    def _put_fixed(self, name: str) -> Meta:
        data = read_bounded(self._folder.path / name, object_names.MOST_OF_PLAN)
        meta = self._put(name, data, "create", object_names.MOST_OF_PLAN)
        self.state.note(name, data, meta)
        return meta

    def _put_other(self, there: dict[str, Meta], name: str) -> None:
        """Put a file that was changed here, and not there, since both were the same."""
        try:
            data = read_bounded(self._folder.path / name, object_names.most_bytes(name) or 0)
        except FileNotFoundError:
            return  # it was removed since it was listed
        known, found = self.state.known.get(name), there.get(name)
        if found is not None and known and known.sha256 == sha256(data):
            return  # what is there may be newer, and is pulled then
        if found is not None and not (known and known.is_object(found)):
            stored, found = self._get(name, object_names.most_bytes(name) or 0)
            if stored != data:
                raise StudyError(changed_on_both_sides(self._objects.url, self._folder, [name]))
            there[name] = found
            self.state.note(name, data, found)
            return
        condition = "create" if found is None else found.condition
        there[name] = self._put(name, data, condition, object_names.most_bytes(name) or 0)
        self.state.note(name, data, there[name])

    def _put_log(self, lines: Lines, before: Meta | None) -> Meta:
        """Put the log, if nobody has written it since it was read."""
        condition = "create" if before is None else before.condition
        return self._put(object_names.LOG, lines.data, condition, MOST_OF_LOG)

    def _put(self, name: str, data: bytes, mode: str | Mapping[str, str], most: int) -> Meta:
        """Put an object; Changed if it is not as the mode says, nor has these very bytes.

        Where it has them, the write was done and its answer lost.
        """
        try:
            meta = self._objects.put(name, data, mode)
        except Changed:
            there, meta = self._get(name, most)
            if there != data:
                raise
        self.moved.add([len(data)])
        return meta

    def _get(self, name: str, most: int) -> tuple[bytes, Meta]:
        """Get an object that was there a moment ago; Changed if it is gone."""
        try:
            return self._objects.get(name, most)
        except FileNotFoundError:
            raise Changed(name) from None

    def _changed(self, name: str) -> StudyError:
        return StudyError(
            f"{self._objects.url}: another client has written or removed {name} meanwhile; "
            "expected one client at a time. Nothing is lost; run the same command again."
        )


def changed_on_both_sides(url: str, folder: StudyFolder, names: Sequence[str]) -> str:
    """Return what is wrong with files that were changed here and there, and what to do."""
    also = f" and {counted(len(names) - 1, 'file')} more" if len(names) > 1 else ""
    place = printable(str(folder.path / names[0]))
    if object_names.is_lines(names[0]):
        advice = f"Run `python -m runner pull {url} {folder.where}` first, which adds the lines up."
    else:
        advice = (
            f"Move {place} away and run `python -m runner pull {url} {folder.where}`; put it back "
            "if it is the one that counts."
        )
    return (
        f"{names[0]}{also} was changed at {url} and in {folder.where} since both were the same; "
        f"expected it on one side only. {advice}"
    )


def clear(
    objects: ObjectStore, there: dict[str, object_store.Meta]
) -> dict[str, object_store.Meta]:
    """Remove a study's own objects; return what is left. The log goes first, the plan last."""
    own = [name for name in there if object_names.is_own(name)]
    last = (object_names.LOG, "", object_names.PLAN)
    order = {name: last.index(name) if name in last else 1 for name in own}
    for name in sorted(own, key=lambda name: order[name]):
        objects.delete(name)
    return {name: meta for name, meta in there.items() if name not in order}
