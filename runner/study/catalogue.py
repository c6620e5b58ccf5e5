"""The studies below a folder, as their plans and logs tell; shards are opened if asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from runner.errors import RunnerError, StudyError
from runner.errors.messages import printable
from runner.errors.paths import local_path, store_url
from runner.study.commits import Commit
from runner.study.hashed_json import read_hashed_json
from runner.study.store import Store

# Of a plan whose restarts are its experiment's alone; any other is worked out in full.
_SIMPLE = {"models", "experiment", "engine", "batch_size", "batch_sizes", "configurations"}
_SIMPLE |= {"curves", "tables"}


class State(StrEnum):
    """What is known of a study without opening it."""

    FINISHED = "finished"
    """Nothing is left to train."""
    UNFINISHED = "unfinished"
    """Some restarts are not trained yet."""
    DAMAGED = "damaged"
    """Its plan or its log cannot be read, or do not agree."""
    OTHER_VERSION = "other version"
    """Written by a version of runner that has another form of plan."""


@dataclass(frozen=True)
class Entry:
    """One study of a folder; what a damaged one does not tell is missing."""

    path: str
    """Its folder or URL, below the one that was asked for; ``.`` for that one itself."""
    state: State
    """How far it is, or why that cannot be said."""
    name: str = ""
    """Its experiment's name."""
    configurations: int | None = None
    """Number of configurations."""
    restarts: int | None = None
    """Restarts of all configurations."""
    done: int | None = None
    """Restarts that are trained or have failed for good."""
    failed: int | None = None
    """Restarts that could not be trained."""
    solved: int | None = None
    """Restarts that are solved; only where it was asked for, since it is in the shards."""
    size: int | None = None
    """Bytes of all shards."""
    changed: str = ""
    """Date and time of the last commit, or of the plan where there is none; ISO 8601, UTC."""
    problem: str = ""
    """What is wrong, in one line."""


def catalogue(folder: str | Path, *, solved: bool = False) -> list[Entry]:
    """Return every study below a folder, sorted by path.

    Parameters
    ----------
    folder : str or Path
        Searched to any depth. Links are not followed, and folders whose name begins with a dot are
        left out; so is what lies in a study. Or a URL such as ``s3://bucket/prefix``.
    solved : bool
        Whether to count the restarts that are solved, which takes a look into every shard; not
        below a URL, of which no shard is read.

    Returns
    -------
    list of Entry

    Raises
    ------
    StudyError
        If there is no such folder, nothing below the URL, or ``solved`` is asked for there; if the
        store fails.
    """
    url = store_url(folder, StudyError)
    if url is not None and solved:
        message = (
            f"{url}: what is solved is in the shards, which are not pulled for a list; expected a "
            "folder. Pull the studies, or leave out solved (--solved)."
        )
        raise StudyError(message)
    if url is not None:
        from runner.study.objects.heads import heads

        with heads(url) as top:
            return _catalogue(top, solved=False)
    top = local_path(folder, StudyError, or_store=True)
    if not top.is_dir():
        message = f"{printable(str(top))}: the folder does not exist; expected one with studies."
        raise StudyError(message)
    return _catalogue(top, solved=solved)


def _catalogue(top: Path, *, solved: bool) -> list[Entry]:
    entries = (_entry(path, top, solved) for path in _studies(top))
    return sorted(entries, key=lambda entry: entry.path)


def _studies(top: Path) -> Iterator[Path]:
    """Yield the folders that have a plan or a log."""
    for place, folders, names in os.walk(top):
        if {"plan.json", "commits.jsonl"} & {*names}:
            folders.clear()
            yield Path(place)
        folders[:] = [name for name in folders if not name.startswith(".")]


def _entry(path: Path, top: Path, solved: bool) -> Entry:
    store, shown = Store(path), path.relative_to(top).as_posix()
    try:
        name, n_configurations, n_restarts = _planned(store)
    except RunnerError as error:
        return Entry(shown, _why(store), problem=_line(error))
    known = (name, n_configurations, n_restarts)
    try:
        commits = store.commits()
        changed = _changed(store)
        n_solved = _solved(store, commits) if solved else None
    except (RunnerError, OSError, ValueError) as error:
        return Entry(shown, State.DAMAGED, *known, problem=_line(error))
    done = sum(len(commit.batch) for commit in commits)
    failed, size = sum(len(c.failures) for c in commits), sum(c.size for c in commits)
    state = State.FINISHED if done == n_restarts else State.UNFINISHED
    problem = ""
    if done > n_restarts:
        state, problem = State.DAMAGED, "the log has more restarts than the plan."
    return Entry(shown, state, *known, done, failed, n_solved, size, changed, problem)


def _planned(store: Store) -> tuple[str, int, int]:
    """Return a plan's name, number of configurations and of restarts.

    To make the whole plan again, as `Store.read_plan` does, takes twenty times as long.
    """
    content = store.plan_file.content()
    stored: Mapping[str, Any] = content["plan"]
    simple = content.keys() == {"format", "plan", "versions"} and stored.keys() <= _SIMPLE
    if simple and not os.path.lexists(store.rounds_path):
        try:
            experiment = stored["experiment"]
            n = math.prod(len(values) for values in experiment["grid"].values())
            return str(experiment["name"]), n, n * int(experiment["restarts"])
        except (LookupError, TypeError, ValueError, AttributeError):
            pass  # not as this version writes it: what follows says what is wrong
    plan, _ = store.read_plan()
    return plan.experiment.name, len(plan.configurations), plan.n_restarts


def _solved(store: Store, commits: Sequence[Commit]) -> int:
    """Return how many restarts are solved; ValueError or OSError if a shard cannot be read."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    total = 0
    for commit in commits:
        path = store.shard_path(commit.batch)
        if store.is_linked(path):
            raise store.damaged("a shard is a symbolic link")
        try:
            column = pq.ParquetFile(path).read(columns=["solved"], use_threads=False)["solved"]
            total += pc.sum(column).as_py() or 0
        except (pa.ArrowException, LookupError, TypeError, OSError):
            raise store.damaged("a shard cannot be read") from None
    return total


def _why(store: Store) -> State:
    """Tell a plan of another version from a damaged one."""
    try:
        read_hashed_json(store, store.plan_path)
    except StudyError:
        return State.DAMAGED
    return State.OTHER_VERSION


def _changed(store: Store) -> str:
    path = store.log_path if store.log_path.exists() else store.plan_path
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).isoformat()


def _line(error: Exception) -> str:
    return printable(str(error).partition("\n")[0])
