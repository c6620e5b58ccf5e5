"""Does this machine compute what a study holds? By its programs, and by restarts trained again.

Versions of Python, PyTensor, LLVM and NumPy decide no bit by themselves, nor does the runner's own
code. What decides those of training are the programs: the log names those that trained each batch,
and other versions, other code, or another processor, may go on where they write the same ones. For
what NumPy adds, the starts and the labels, and for what is computed of endpoints, a restart of each
label in one shard of every configuration is trained again and compared.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from runner.engines.registry import programs
from runner.engines.simd.fingerprint import Fingerprint, difference, digest
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.network.signature import Signature
from runner.study.commits import Commit
from runner.study.folder import StudyFolder, read_bounded, read_telemetry, require_file
from runner.training.shards import decode
from runner.training.worker import Task, trained_here

_log = logging.getLogger("runner")
_compared: dict[tuple[Path, bool, str, str], list[str]] = {}  # columns that differ

BY_ARITHMETIC = ("runner", "python", "pytensor", "llvmlite", "numpy", "scipy")
"""Versions that are no difference where a study's arithmetic is found to be the same."""


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
        Empty if nothing differs; None if the study does not tell: it is of an earlier version, of
        another engine or a GPU, holds no restart yet, or of some configuration no shard is left
        that is as the log says.
    """
    trained = [commit for commit in commits if commit.rows]
    if not trained or any(not c.programs and c.rows == len(c.batch) for c in trained):
        return None
    found = _other_programs(folder, plan, trained)
    if found is None or found:
        return found
    seen: set[int] = set()
    gone: set[int] = set()
    for commit in trained:
        ranges = plan.round_group(commit.batch).ranges(commit.batch.start, commit.batch.stop)
        numbers = {number for number, _, _ in ranges}
        if numbers <= seen:
            continue
        columns = _other_columns(folder, plan, commit) if commit.programs else None
        if columns is None:
            gone |= numbers
            continue
        seen |= numbers
        if columns:
            found.append(
                f"group {commit.batch.group:,}: restarts trained again differ in "
                f"{', '.join(columns)}"
            )
    return found if gone <= seen else None


def _other_programs(folder: StudyFolder, plan: Plan, commits: Iterable[Commit]) -> list[str] | None:
    """Return which groups have been trained by other programs than ours; None if we have none."""
    # parts of a batch in which some failed may have had several, of which none is named
    kinds = {(c.batch.group_of_round, c.programs): c for c in commits if c.programs}
    found = []
    for (_, then), commit in kinds.items():
        signature = plan.first_member(commit.batch).signature()
        name = _name_of_ours(plan.engine, signature)
        if not name:
            return None
        if name != then:
            ours = programs(plan.engine, signature) or {}
            found.append(f"group {commit.batch.group:,}: {_other(folder, then, ours)}")
    return found


@lru_cache(maxsize=4096)  # as a command asks often, see `_other_columns`
def _name_of_ours(engine: str, signature: Signature) -> str:
    """Return the digest of the programs that this machine writes; empty if it writes none."""
    ours = programs(engine, signature)
    return "" if ours is None else digest(ours)


def _other(folder: StudyFolder, then: str, ours: Mapping[str, Fingerprint]) -> str:
    """Say which operation differs, as far as the telemetry tells what it was."""
    recorded: dict[str, Any] = {}
    for line in read_telemetry(folder.programs_path):
        operations = line.get("operations")
        if line.get("programs") == then and isinstance(operations, dict):
            recorded = operations
    for name, program in ours.items():
        old = recorded.get(name)
        if isinstance(old, str) and old != program.operations:
            return f"of the program {name}, {difference(old, program.operations)}"
    return f"its programs are {digest(ours)}, of other numbers than {then}"


def _other_columns(folder: StudyFolder, plan: Plan, commit: Commit) -> list[str] | None:
    """Train a few restarts of a shard again, see `_quickest`; return the columns that differ.

    None if the shard is not there to compare with, or damaged.
    """
    path = folder.shard_path(commit.batch)
    require_file(path)
    shard = read_bounded(path, commit.size) if path.is_file() else b""
    if hashlib.sha256(shard).hexdigest() != commit.sha256:
        return None
    # A command asks often: before its cluster is there, under the study's lock, in every round.
    asked = (folder.path.absolute(), plan.trusts_models, commit.programs, commit.sha256)
    if asked not in _compared:
        if all(folder.path.absolute() != path for path, *_ in _compared):
            _log.info(
                "%s: begun with other versions or code: comparing what they compute", folder.where
            )
        _compared[asked] = _differing(plan, commit.batch, decode(shard).replace_schema_metadata())
    return _compared[asked]


def _differing(plan: Plan, batch: Batch, table: pa.Table) -> list[str]:
    position = _positions(plan, batch)
    rows = _quickest(table)
    chosen = table.take(rows)
    pairs = zip(*(chosen[name].to_pylist() for name in ("configuration", "restart")), strict=True)
    places = [position[pair] for pair in pairs]
    segments = chain.from_iterable(
        plan.stored_segments(batch.part(place, place + 1)) for place in places
    )
    task = Task(tuple(segments), plan.experiment.seed, plan.engine, plan.n_curves)
    (again,) = trained_here(task, [len(places)])
    ours, theirs = (each.to_pydict() for each in (decode(again.shard), chosen))
    # not by ==, for which NaN differs from itself, and 0 is -0
    return sorted(name for name in theirs if repr(ours.get(name)) != repr(theirs[name]))


def _positions(plan: Plan, batch: Batch) -> dict[tuple[int, int], int]:
    """Return where restarts are in their group, by configuration and number."""
    ranges = plan.round_group(batch).ranges(batch.start, batch.stop)
    numbers = chain.from_iterable(
        ((number, restart) for restart in range(first, stop)) for number, first, stop in ranges
    )
    return {pair: batch.start + place for place, pair in enumerate(numbers)}


def _quickest(table: pa.Table) -> list[int]:
    """Return one row of each configuration and label, in order of rows.

    The one of fewest steps among those with a curve, where any has one.
    """
    kinds = zip(*(table[name].to_pylist() for name in ("configuration", "label")), strict=True)
    order = np.lexsort((table["steps"].to_numpy(), table["curve_losses"].is_null().to_numpy()))
    best: dict[tuple[int, str], int] = {}
    by_row = list(kinds)
    for place in order.tolist():
        best.setdefault(by_row[place], place)
    return sorted(best.values())
