"""Damage to a study's files: find it, move it aside, so that a sweep can train it again."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study import files
from runner.study.commits import Commit, parsed
from runner.study.folder import StudyFolder
from runner.study.lock import StudyLock
from runner.study.store import Store


@dataclass(frozen=True)
class Damage:
    """A file of a study that differs from what the log says."""

    path: Path
    """The file."""
    problem: str
    """What is wrong with it, in words."""
    cure: str
    """What `repair` does: ``cut`` the torn line, ``rewrite`` the log without the damaged lines,
    ``move`` the file to the quarantine; after ``train`` and ``move`` a sweep trains the batch
    again."""


def find(store: Store, plan: Plan) -> list[Damage]:
    """Compare a study's folder with its log; reads every byte of every shard.

    Returns
    -------
    list of Damage
        Empty if the log and the folder agree, file by file and byte by byte.
    """
    planned = set(plan.batches())
    found, committed = _in_the_log(store, planned)
    logged = {store.shard_path(batch): commit for batch, commit in committed.items()}
    for path, commit in logged.items():
        if path.is_symlink():
            found.append(Damage(path, "is a symbolic link", "move"))
        elif store.is_linked(path):
            found.append(Damage(path, "lies behind a symbolic link", "train"))
        elif not path.is_file():
            found.append(Damage(path, "is missing", "train"))
        elif path.stat().st_size != commit.size:
            found.append(Damage(path, "is damaged (its size is not the log's)", "move"))
        elif _sha256(path) != commit.sha256:
            found.append(Damage(path, "is damaged (its SHA-256 is not the log's)", "move"))
    if store.shards_path.is_symlink():  # what is in there is not the study's to move
        return [*found, Damage(store.shards_path, "does not belong to the study", "move")]
    known = {store.shard_path(batch) for batch in planned}
    for path in sorted(store.shards_path.rglob("*")):
        if path not in known and (path.is_symlink() or not path.is_dir()):
            found.append(Damage(path, "does not belong to the study", "move"))
        elif path in known and path not in logged:
            found.append(Damage(path, "is not in the log", "move"))
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def costs_batches(store: Store, plan: Plan, damages: Sequence[Damage]) -> bool:
    """Return whether a batch has to be trained again to repair a study."""
    shards = {store.shard_path(batch) for batch in plan.batches()}
    return any(d.cure in ("train", "rewrite") or d.path in shards for d in damages)


def _in_the_log(store: Store, planned: set[Batch]) -> tuple[list[Damage], dict[Batch, Commit]]:
    """Return what is wrong with the log, and its good commits."""
    lines, torn = store.log.lines()
    found = [Damage(store.log.path, "its last line is torn", "cut")] if torn else []
    committed: dict[Batch, Commit] = {}
    for number, line in enumerate(lines, start=1):
        commit = parsed(line)
        if commit is None or commit.batch not in planned:
            found.append(Damage(store.log.path, f"line {number} is damaged", "rewrite"))
        elif commit.batch in committed:
            found.append(Damage(store.log.path, f"line {number} is a duplicate", "rewrite"))
        else:
            committed[commit.batch] = commit
    return found, committed


def repair(store: Store, lock: StudyLock, plan: Plan, damages: Sequence[Damage]) -> None:
    """Move damaged files to the quarantine and make the log whole, under the study's lock.

    Notes
    -----
    Nothing is deleted: the log too is copied to the quarantine before it loses a line.
    """
    lock.require(store)
    for damage in damages:
        if damage.cure == "move":
            files.move(damage.path, free_name(store, damage.path))
    if any(damage.cure == "rewrite" for damage in damages):
        planned = set(plan.batches())
        kept: dict[Batch, bytes] = {}
        for line in store.log.lines()[0]:
            commit = parsed(line)
            if commit is not None and commit.batch in planned:
                kept.setdefault(commit.batch, line)
        files.write_new(free_name(store, store.log.path), store.log.path.read_bytes())
        store.log.rewrite(kept.values())
    store.log.drop_torn_line()


def free_name(folder: StudyFolder, path: Path) -> Path:
    """Return a name in a folder's quarantine that is not taken, for what was at a path in it."""
    files.make_folder(folder.quarantine_path)
    name = "-".join(path.relative_to(folder.path).parts)
    taken = {p.name for p in folder.quarantine_path.iterdir()}
    number = next(n for n in itertools.count(1) if f"{n}-{name}" not in taken)
    return folder.quarantine_path / f"{number}-{name}"
