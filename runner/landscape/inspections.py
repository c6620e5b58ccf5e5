"""What workers have found in an analysis, kept so that the next one inspects only what is new.

A row is known by all that it depends on: the configuration's content, the restarts' numbers, their
weights and labels. So it is used wherever the same work is asked for again, in whatever place of
the grid, and never for other work. What is made of the rows, classes and verdicts, is made of all
of them anew, so that tables are those of an analysis from scratch.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from runner.engines.versions import source, versions
from runner.errors import StudyError
from runner.experiment.content_hash import digest
from runner.landscape.analysis_plan import FORMAT, AnalysisPlan
from runner.study import files
from runner.study.folder import read_bounded
from runner.study.lock import StudyLock
from runner.study.store import Store
from runner.study.tables.analysis_tables import MAX_BYTES
from runner.training.shards import decode, encode

MARK = "mark"
"""The column of kept rows that says what they are of; see `marks`."""

_CHOOSE = (
    "endpoints",
    "pairs",
    "study_pairs",
    "representatives",
    "class_tolerance",
    "alignments",
    "curve_products",
)  # options that choose what is inspected, or what is made of it, and not what is found

_OTHER = ("critical", "path")  # columns that are no numbers


class Inspections:
    """Rows that earlier analyses of a study have kept.

    Parameters
    ----------
    store : Store
        The study.
    lock : StudyLock
        Its lock.
    plan : AnalysisPlan
        Rows that other versions, another engine or other options have found are not used.
    device : str
        Kind of device that computes; nor are those of another.

    Attributes
    ----------
    state : str
        Digest of all that is kept; empty where nothing is.
    """

    def __init__(self, store: Store, lock: StudyLock, plan: AnalysisPlan, device: str) -> None:
        self._store = store
        self._lock = lock
        self._all = store.inspected_path
        options = {name: v for name, v in asdict(plan.options).items() if name not in _CHOOSE}
        key = [FORMAT, plan.engine, versions(), source(), options, device]
        self._folder = self._all / digest(key)[:16]
        contents = {path.name: _content(path) for path in sorted(self._folder.glob("*.parquet"))}
        self._contents = {name: content for name, content in contents.items() if content}
        hashes = {name: hashlib.sha256(c).hexdigest() for name, c in self._contents.items()}
        self.state = digest(hashes) if hashes else ""

    def rows(self, kind: str, columns: Sequence[str], wanted: np.ndarray) -> pd.DataFrame:
        """Return the kept rows of some marks, in any order.

        Parameters
        ----------
        kind : str
            ``endpoints`` or ``pairs``.
        columns : sequence of str
            That rows must have; those of networks with other parameters are kept apart.
        wanted : ndarray, shape (n,)
            Marks.

        Returns
        -------
        DataFrame
            With the column `MARK`, and without rows where no row is kept or the file is of no use.
        """
        content = self._contents.get(_name(kind, columns))
        nothing = pd.DataFrame(columns=[MARK, *columns])
        if content is None:
            return nothing
        try:
            found: pd.DataFrame = decode(content).to_pandas()
        except (OSError, ValueError, pa.ArrowException):
            return nothing  # damaged: it is computed anew
        numbers = [name for name in columns if name not in _OTHER]
        if [*found.columns] != [MARK, *columns] or not found.dtypes[numbers].map(_is_number).all():
            return nothing
        return found[found[MARK].isin(wanted)].reset_index(drop=True)

    def keep(self, tables: Iterable[tuple[str, pd.DataFrame]]) -> None:
        """Keep rows in place of all that were: frames that begin with `MARK`, with their kind."""
        self._lock.require(self._store)
        by_name: dict[str, list[pd.DataFrame]] = {}
        for kind, frame in tables:
            by_name.setdefault(_name(kind, [*frame.columns[1:]]), []).append(frame)
        with self._store.writing():
            files.make_folder(self._folder)
            for name, frames in by_name.items():
                rows = pd.concat(frames, ignore_index=True)
                content = encode(pa.Table.from_pandas(rows, preserve_index=False))
                if len(content) <= MAX_BYTES:
                    files.replace(self._folder / name, content)
            for old in self._all.glob("*"):
                if old != self._folder:
                    shutil.rmtree(old)
            for path in self._folder.glob("*"):
                if path.name not in by_name:
                    path.unlink()


def marks(ids: Sequence[str], restart: np.ndarray, *depends: np.ndarray) -> np.ndarray:
    """Return a hash of all that each of n rows depends on, beside what `Inspections` looks at.

    Parameters
    ----------
    ids : sequence of str
        Of the rows' configurations.
    restart : ndarray of int, shape (n,)
        Number of the restart, which decides the random numbers of the inspection.
    *depends : ndarrays, shape (..., n)
        Weights, flags.
    """
    if not len(restart):
        return np.empty(0, object)
    columns = [np.ascontiguousarray(each.T) for each in (restart.astype(np.int64), *depends)]
    parts = [each.reshape(len(restart), -1).view(np.uint8) for each in columns]
    rows = np.ascontiguousarray(np.hstack(parts))
    made = [
        hashlib.blake2b(name.encode() + row.tobytes(), digest_size=16).hexdigest()
        for name, row in zip(ids, rows, strict=True)
    ]
    return np.array(made, dtype=object)


def _is_number(dtype: object) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "bif"


def _content(path: Path) -> bytes:
    try:
        return read_bounded(path, MAX_BYTES)
    except (StudyError, OSError):
        return b""


def _name(kind: str, columns: Sequence[str]) -> str:
    return f"{kind}-{digest([*columns])[:16]}.parquet"
