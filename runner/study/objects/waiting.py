"""Batches of a copy that are committed while their shards are in the store only.

Their lines are in a file of their own, ``.objects.waiting.jsonl``, and not in the copy's log: so
the copy is at any moment a study that opens, if one with fewer batches, and whoever reads it needs
to know nothing of this file. What is pushed is the log with these lines behind it.

`bring_in` gets the shards, compares each with its line, and commits them as any other; then the
file is removed. It is called before anything is computed from the copy, and when a copy is brought
up to date. A process that dies in the middle leaves lines in both files, which does no harm: a
batch that is in the log already gets no second line.
"""

from __future__ import annotations

from collections.abc import Sequence

from runner.study.commits import Commit
from runner.study.files import side_by_side
from runner.study.group_commit import Ready
from runner.study.objects.log import groups, shard_name
from runner.study.objects.object_store import ObjectStore, TooLargeError
from runner.study.objects.state import sha256
from runner.study.writer import Writer


def bring_in(writer: Writer, waiting: Sequence[Commit], objects: ObjectStore) -> list[Commit]:
    """Get the shards that wait in a store, side by side, and commit them.

    Parameters
    ----------
    writer : Writer
        The copy's; one that has committed none of them.
    waiting : sequence of Commit
        As `runner.study.store.Store.waiting` returns them.
    objects : ObjectStore

    Returns
    -------
    list of Commit
        Those whose object is missing, or not as the line says: their batches are not committed
        any more.

    Raises
    ------
    StudyError
        If the store fails, or the disk: what has not come in then waits on.
    """

    def got(commit: Commit) -> bytes | None:
        try:
            data, _ = objects.get(shard_name(commit.batch), commit.size)
        except (FileNotFoundError, TooLargeError):
            return None
        return data if sha256(data) == commit.sha256 else None

    lost = []
    for group in groups(waiting):
        ready = []
        for commit, data in zip(group, side_by_side(got, group), strict=True):
            if data is None:
                lost.append(commit)
                continue
            of = commit.batch, data, commit.rows, commit.failures, commit.device, commit.programs
            ready.append(Ready(*of))
        writer.commit_together(ready)
    writer.forget_waiting()
    return lost
