"""Does this machine compute what a study holds? By its programs, and by restarts trained again.

Versions of Python, PyTensor, LLVM and NumPy decide no bit by themselves, nor does the runner's own
code. What decides those of training are the programs: the log names those that trained each batch,
and other versions, other code, or another processor, may go on where they write the same ones. For
what NumPy adds, the starts and the labels, and for what is computed of endpoints, the quickest
restart of each label of every configuration is trained again and compared.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from runner.engines.registry import programs
from runner.engines.simd.fingerprint import Fingerprint, difference, digest
from runner.experiment.plan import Plan
from runner.study.commits import MAX_BYTES, Commit
from runner.study.folder import StudyFolder, read_bounded, require_file
from runner.training.shards import decode
from runner.training.worker import Task, trained_here

_log = logging.getLogger("runner")
_latest: dict[str, Any] = {}  # what was asked last, and found

DECIDED = ("runner", "python", "pytensor", "llvmlite", "numpy", "scipy")
"""Versions that decide nothing where a study's arithmetic is found to be the same."""


def other_arithmetic(
    folder: StudyFolder, plan: Plan, commits: Iterable[Commit]
) -> list[str] | None:
    """Return what this machine would compute otherwise than a study's batches were, in words.

    Parameters
    ----------
    folder : StudyFolder
    plan : Plan
        The stored one, or one that it grows to.
    commits : iterable of Commit
        What is committed.

    Returns
    -------
    list of str, optional
        Empty if nothing differs; None if the study does not tell (it is of an earlier version, of
        another engine or a GPU, holds nothing yet, or its shards are gone).
    """
    whole = [commit for commit in commits if commit.rows == len(commit.batch)]
    if not whole or any(not commit.programs for commit in whole):
        return None
    first = _first_of_each(folder, plan, whole)
    if first is None:
        return None
    # A command asks twice: before its cluster is there, and under the study's lock.
    files = [folder.programs_path, *(folder.shard_path(commit.batch) for commit in first)]
    asked = (
        folder.path.absolute(),
        plan.trusts_models,
        tuple(commit.sha256 + commit.programs for commit in whole),
        tuple(map(_stamp, files)),
    )
    if _latest.get("asked") != asked:
        _latest.update(asked=asked, found=_compared(folder, plan, first))
    found: list[str] | None = _latest["found"]
    return found


def _first_of_each(
    folder: StudyFolder, plan: Plan, commits: Iterable[Commit]
) -> list[Commit] | None:
    """Return batches that together have every configuration of every round.

    None if what is left of the shards has not.
    """
    seen: set[tuple[int, int]] = set()
    gone: set[tuple[int, int]] = set()
    found = []
    for commit in commits:
        batch = commit.batch
        ranges = plan.round_group(batch).ranges(batch.start, batch.stop)
        numbers = {(batch.round, number) for number, _, _ in ranges}
        if numbers <= seen:
            continue
        path = folder.shard_path(batch)
        require_file(path)
        if path.is_file() and path.stat().st_size == commit.size:
            seen |= numbers
            found.append(commit)
        else:
            gone |= numbers
    return found if gone <= seen else None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written anew; None where there is none."""
    with suppress(OSError):
        return path.stat().st_mtime_ns, path.stat().st_size
    return None


def _compared(folder: StudyFolder, plan: Plan, first: Iterable[Commit]) -> list[str] | None:
    """Return what differs, by these batches."""
    _log.info("%s: begun with other versions or code: comparing what they compute", folder.where)
    found = []
    for commit in first:
        signature = plan.first_member(commit.batch).signature()
        ours = programs(plan.engine, signature)
        if ours is None:
            return None
        if digest(ours) != commit.programs:
            found.append(f"group {commit.batch.group:,}: {_other(folder, commit.programs, ours)}")
        elif (columns := _other_columns(folder, plan, commit)) is None:
            return None
        elif columns:
            found.append(
                f"group {commit.batch.group:,}: restarts trained again differ in "
                f"{', '.join(columns)}"
            )
    return found


def _other(folder: StudyFolder, then: str, ours: Mapping[str, Fingerprint]) -> str:
    """Say which operation differs, as far as the telemetry tells what it was."""
    recorded: dict[str, str] = {}
    lines: list[bytes] = []
    with suppress(OSError):
        lines = read_bounded(folder.programs_path, MAX_BYTES).splitlines()
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # a line that a crash has torn
            content = json.loads(line)
            if content["programs"] == then:
                recorded = dict(content["operations"])
    for name, program in ours.items():
        old = recorded.get(name)
        if isinstance(old, str) and old != program.operations:
            return f"of the program {name}, {difference(old, program.operations)}"
    return f"its programs are {digest(ours)}, of other numbers than {then}"


def _other_columns(folder: StudyFolder, plan: Plan, commit: Commit) -> list[str] | None:
    """Train the quickest restart of each label of a shard again; return the columns that differ.

    None if the shard is not there to compare with, or damaged.
    """
    batch = commit.batch
    path = folder.shard_path(batch)
    require_file(path)
    shard = read_bounded(path, commit.size) if path.is_file() else b""
    if hashlib.sha256(shard).hexdigest() != commit.sha256:
        return None
    table = decode(shard).replace_schema_metadata()
    seed, engine, n_curves = plan.experiment.seed, plan.engine, plan.n_curves
    parts = [batch.part(batch.start + k, batch.start + k + 1) for k in _quickest(table)]
    segments = tuple(chain.from_iterable(map(plan.stored_segments, parts)))
    trained = trained_here(Task(segments, seed, engine, n_curves), [1] * len(parts))
    differ: set[str] = set()
    for part, again in zip(parts, trained, strict=True):
        (ours,) = decode(again.shard).to_pylist()
        (theirs,) = table.slice(part.start - batch.start, 1).to_pylist()
        differ |= {name for name in theirs if repr(ours.get(name)) != repr(theirs[name])}
    return sorted(differ)


def _quickest(table: pa.Table) -> Sequence[int]:
    """Return the row of each configuration and label that took fewest steps, in their order."""
    kinds = zip(*(table[name].to_pylist() for name in ("configuration", "label")), strict=True)
    order = np.argsort(table["steps"].to_numpy(), kind="stable")
    rows = list(kinds)
    return sorted({rows[place]: int(place) for place in order[::-1]}.values())
