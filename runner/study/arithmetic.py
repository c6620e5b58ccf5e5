"""Does this machine compute what a study holds? By its programs, and by restarts trained again.

Versions of Python, PyTensor, LLVM and NumPy decide no bit by themselves. What decides those of
training are the programs: the log names those that trained each batch, and other versions, or
another processor, may go on where they write the same ones. For what NumPy adds, the starts and the
labels, and for what is computed of endpoints, a few restarts are trained again and compared.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
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

DECIDED = ("python", "pytensor", "llvmlite", "numpy", "scipy")
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
    first = {commit.batch.group_of_round: commit for commit in reversed(whole)}
    if not first or any(not commit.programs for commit in whole):
        return None
    # A command asks twice: before its cluster is there, and under the study's lock.
    files = [folder.programs_path, *(folder.shard_path(c.batch) for c in first.values())]
    asked = (
        folder.path.absolute(),
        plan.trusts_models,
        tuple(commit.sha256 + commit.programs for commit in whole),
        tuple(map(_stamp, files)),
    )
    if _latest.get("asked") != asked:
        _latest.update(asked=asked, found=_compared(folder, plan, first.values()))
    found: list[str] | None = _latest["found"]
    return found


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written anew; None where there is none."""
    with suppress(OSError):
        return path.stat().st_mtime_ns, path.stat().st_size
    return None


def _compared(folder: StudyFolder, plan: Plan, first: Iterable[Commit]) -> list[str] | None:
    """Return what differs, by one batch of each group."""
    _log.info("%s: begun with other versions: comparing what they compute", folder.where)
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
    differ: set[str] = set()
    for place in _quickest(table):
        part = batch.part(batch.start + place, batch.start + place + 1)
        (again,) = trained_here(Task(plan.stored_segments(part), seed, engine, n_curves), [1])
        ours, theirs = decode(again.shard).to_pylist(), table.slice(place, 1).to_pylist()
        differ |= {name for name in theirs[0] if repr(ours[0].get(name)) != repr(theirs[0][name])}
    return sorted(differ)


def _quickest(table: pa.Table) -> Sequence[int]:
    """Return the row of each label that took fewest steps."""
    labels, steps = table["label"].to_pylist(), table["steps"].to_numpy()
    order = np.argsort(steps, kind="stable")
    return list({labels[place]: int(place) for place in order[::-1]}.values())
