"""Finished batches of an analysis on disk, from which an interrupted one continues."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd

from runner.experiment.batches import Batch
from runner.study import files
from runner.study.analysis_tables import MAX_BYTES
from runner.study.folder import read_bounded
from runner.study.lock import StudyLock
from runner.study.store import Store
from runner.training.shards import decode, join


class Parts:
    """What workers have returned to one analysis, in a file per batch.

    Parameters
    ----------
    store : Store
        The study.
    lock : StudyLock
        Its lock; whatever changes a file requires it.
    key : str
        Digest of the analysis, see `runner.landscape.analysis_plan.AnalysisPlan`.

    Notes
    -----
    An analysis goes through these states, and may be killed in any of them::

        tables/*.parquet of another analysis, or none
          -> tables/parts/KEY/endpoints/*.parquet, one after the other
          -> tables/parts/KEY/pairs/*.parquet, one after the other
          -> tables/*.parquet of this analysis, verdicts last
          -> tables/parts/ is removed

    A part is written whole or not at all (`files.replace`), so one that exists is complete. The
    key is part of its path: parts of other restarts, options or versions are never read, and
    are removed as soon as a new analysis begins. Which batches there are depends on the parts of
    the stage before alone, so the same command finds the same batches again, and only those
    without a part go to the cluster. What is made of the parts is computed anew.
    """

    def __init__(self, store: Store, lock: StudyLock, key: str) -> None:
        self._store = store
        self._lock = lock
        self._all = store.tables_path / "parts"
        self._folder = self._all / key[:16]

    def prepare(self) -> None:
        """Make the folder, and remove the parts of other analyses."""
        self._lock.require()
        with self._store.writing():
            for old in self._all.glob("*"):
                if old != self._folder:
                    shutil.rmtree(old)
            files.make_folder(self._folder)

    def missing(self, stage: str, batches: Iterable[Batch]) -> list[Batch]:
        """Return the batches of a stage that have no part yet."""
        return [batch for batch in batches if not self._path(stage, batch).exists()]

    def write(self, stage: str, batch: Batch, shards: Iterable[bytes]) -> None:
        """Keep what was returned for a batch: Parquet files with its rows, in order.

        A batch of which nothing could be inspected has none. Its part is an empty file, so that it
        is not tried again, and its rows are missing from the tables.
        """
        self._lock.require()
        shards = tuple(shards)
        path = self._path(stage, batch)
        with self._store.writing():
            files.make_folder(path.parent)
            files.replace(path, join(shards) if shards else b"")

    def read(self, stage: str, batches: Iterable[Batch]) -> Iterator[tuple[Batch, pd.DataFrame]]:
        """Yield the batches of which something could be inspected, with their rows."""
        for batch in batches:
            content = read_bounded(self._path(stage, batch), MAX_BYTES)
            if content:
                yield batch, decode(content).to_pandas()

    def remove(self) -> None:
        """Remove all parts: the tables have made them superfluous."""
        self._lock.require()
        with self._store.writing(), suppress(FileNotFoundError):
            shutil.rmtree(self._all)

    def _path(self, stage: str, batch: Batch) -> Path:
        return self._folder / stage / f"{batch.name}.parquet"
