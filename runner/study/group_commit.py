"""How batches are committed, one or many together. What the log lacks did not happen.

The steps for a group of batches, each durable for all of them before the next one begins, and what
a crash or a power cut after each leaves behind:

1. Every shard is written to a temporary file and synced: to ``<batch>.parquet.tmp`` by the
   client, several at a time, or in ``staging/`` by the worker that trained it, long before
   (`runner.study.staging`). *Left behind:* temporary files, whole or torn. Who locks the folder
   next removes them, and the batches are trained again.
2. All are renamed to ``<batch>.parquet``, and every folder that they are in is synced once. *Left
   behind:* whole shards that the log lacks. Their batches are trained again and must give the same
   bytes; they are compared, the shard stays as it is, and step 3 follows.
3. Their lines are appended to ``commits.jsonl`` in one write, and synced once. *Left behind:* the
   first of the lines, and a part of one, without its newline. The next writer cuts it off before it
   appends anything, since otherwise the two would make one damaged line in the middle of the log;
   then as after step 2. A whole line is never there without its shard, which was durable before.

That the *first* lines are what is left rests on file systems that write what is appended before
they tell the new size (ext4 as it is mounted by default, XFS, Btrfs, APFS). On another one, a power
cut could leave a damaged line before whole ones, which ``verify --repair`` takes out.

A shard that is gone while the log has its batch (a user removed it, or ``verify --repair`` moved
it away damaged) is trained again too. It must have the hash that the log says, and no second line
is written: a batch twice in the log is damage.

A shard that a worker has written into an object store is not here: steps 1 and 2 are the store's,
and the line goes, synced, into a file beside the log until the shard is brought into the folder
(`runner.study.objects.waiting`).

A batch that must not be committed, as its bytes are not those that are there, keeps no other of its
group from it: the others are committed, then the error is raised.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.study import files
from runner.study.commits import Commit, Failure, Log
from runner.study.folder import StudyFolder, require_file
from runner.study.objects.worker_shards import StoredShard
from runner.study.staging import StagedShard, Staging


@dataclass(frozen=True)
class Ready:
    """A batch that is ready to be committed."""

    batch: Batch
    """The batch."""
    shard: bytes | StagedShard | StoredShard
    """Its shard, or what a worker has told of the file, or the object, that it wrote; verified."""
    rows: int
    """Rows of the shard."""
    failures: tuple[Failure, ...] = ()
    """Restarts that could not be trained."""
    device: str = "cpu"
    """Kind of device that trained it; see `Commit`."""
    programs: str = ""
    """Digest of the programs that trained it; see `Commit`."""

    @property
    def n_bytes(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.shard) if isinstance(self.shard, bytes) else 0

    def commit(self) -> Commit:
        """Return its line of the log."""
        if isinstance(self.shard, bytes):
            size, sha256 = len(self.shard), hashlib.sha256(self.shard).hexdigest()
        else:
            size, sha256 = self.shard.size, self.shard.sha256
        of = self.batch, self.rows, size, sha256, self.failures, self.device, self.programs
        return Commit(*of)


def commit_group(
    folder: StudyFolder,
    log: Log,
    later: Log,
    logged: Mapping[Batch, Commit],
    group: Sequence[Ready],
    staging: Staging | None = None,
) -> tuple[list[Commit], list[Commit], StudyError | None]:
    """Make batches durable together, in the steps at the top of this file.

    Parameters
    ----------
    folder : StudyFolder
        Locked by the caller.
    log, later : Log
        The second gets the lines of `waiting`.
    logged : mapping of Batch to Commit
        What is in the log.
    group : sequence of Ready
        No batch twice.
    staging : Staging, optional
        Where staged shards are.

    Returns
    -------
    commits : list of Commit
        What is committed now, in the group's order.
    waiting : list of Commit
        Those of them whose shards are in a store only, and whose lines are not in the log yet.
    problem : StudyError or None
        Why a batch of the group is not.

    Raises
    ------
    StudyError
        If the disk refuses, or a shard or its folder is a link; then the log has no line more.
    """
    made: list[Commit] = []
    here: list[Commit] = []  # of them, whose shards are in the folder then
    waiting: list[Commit] = []  # whose are in a store only
    moves: dict[Path, Path] = {}  # temporary file to shard
    contents: dict[Path, bytes] = {}  # of temporary files that are still to be written
    problem = None
    paths = [folder.shard_path(ready.batch) for ready in group]
    parents = {path.parent for path in paths}
    hashes = any(isinstance(ready.shard, bytes) for ready in group)
    for parent in parents:
        require_file(parent)
    with folder.writing():
        commits = (files.side_by_side if hashes else map)(Ready.commit, group)
        for ready, commit, path in zip(group, commits, paths, strict=True):
            require_file(path)
            earlier = logged.get(ready.batch)
            if (earlier or commit).sha256 != commit.sha256:
                problem = problem or _other_bytes(folder, path)
                continue
            if path.exists():  # a crash between steps 2 and 3
                if hashlib.sha256(path.read_bytes()).hexdigest() != commit.sha256:
                    problem = problem or _other_bytes(folder, path)
                    continue
            elif isinstance(ready.shard, bytes):
                temporary = path.with_name(path.name + files.TEMPORARY)
                contents[temporary] = ready.shard
                moves[temporary] = path
            elif isinstance(ready.shard, StoredShard):
                made.append(commit)
                waiting.append(commit)
                continue
            elif staging is not None:
                moves[staging.path(ready.shard)] = path
            made.append(commit)
            here.append(commit)
        for parent in parents:
            files.make_folder(parent)
        files.write_side_by_side(contents)
        _move(moves)
        new = [commit for commit in here if commit.batch not in logged]
        if new:
            log.append(new)
        if waiting:
            later.append(waiting)
    return made, waiting, problem


def _move(moves: Mapping[Path, Path]) -> None:
    """Rename files that are durable, and make their new names durable."""
    try:
        for temporary, path in moves.items():
            os.rename(temporary, path)
    except OSError:
        for temporary in moves:
            temporary.unlink(missing_ok=True)
        raise
    for parent in {path.parent for path in moves.values()}:
        files.sync_folder(parent)


def _other_bytes(folder: StudyFolder, path: Path) -> StudyError:
    return StudyError(
        f"{printable(str(path))}: the same batch, trained again, has another SHA-256. Nothing "
        "was overwritten. Find out why: a damaged disk (`python -m runner verify "
        f"{folder.where} --repair` moves damaged shards away), workers that do not compute "
        "alike, or a stop just when the other kind of device, CPU or GPU, had trained it."
    )
