"""Checkpoints: finished batches of an analysis on disk, from which an interrupted one continues."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa

from runner.engines.versions import source
from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.content_hash import digest
from runner.study import files
from runner.study.folder import read_bounded
from runner.study.lock import StudyLock
from runner.study.store import Store
from runner.study.tables.analysis_tables import MAX_BYTES
from runner.training.shards import decode, join


class Checkpoints:
    """What workers have returned to one analysis, in a file per batch.

    Parameters
    ----------
    store : Store
        The study.
    lock : StudyLock
        Its lock; whatever changes a file requires it.
    key : str
        Digest of the analysis, see `runner.landscape.analysis_plan.AnalysisPlan`.
    folder : str
        Of the study's tables: where checkpoints are kept apart from those of other work.

    Notes
    -----
    An analysis goes through these states, and may be killed in any of them::

        tables/*.parquet of another analysis, or none
          -> tables/parts/KEY/endpoints/*.parquet, one after the other
          -> tables/parts/KEY/pairs/*.parquet, one after the other
          -> tables/*.parquet of this analysis, verdicts last
          -> tables/parts/ is removed

    A checkpoint is written whole or not at all (`files.replace`), so one that exists is complete.
    Its path has a hash of the key and of the runner's source: checkpoints of other restarts,
    options or versions, or from before a line of the runner was changed, are never read, and are
    removed as soon as a new analysis begins. (Finished tables outlive a change of the source, which
    seldom changes what they hold; `runner.landscape.analysis_plan.FORMAT` is raised when it does.)
    Which batches there are depends on the checkpoints of the stage before alone, so the same
    command finds the same batches again, and only those without a checkpoint go to the cluster.
    What is made of the checkpoints is computed anew.
    """

    def __init__(self, store: Store, lock: StudyLock, key: str, folder: str = "parts") -> None:
        self._store = store
        self._lock = lock
        self._all = store.tables_path / folder
        self._folder = self._all / digest([key, source()])[:16]

    def prepare(self) -> None:
        """Make the folder, and remove the checkpoints of other analyses."""
        self._lock.require(self._store)
        with self._store.writing():
            for old in self._all.glob("*"):
                if old != self._folder:
                    shutil.rmtree(old)
            files.make_folder(self._folder)

    def missing(self, stage: str, batches: Iterable[Batch]) -> list[Batch]:
        """Return the batches of a stage that have no checkpoint yet."""
        return [batch for batch in batches if not self._path(stage, batch).exists()]

    def write(self, stage: str, batch: Batch, shards: Iterable[bytes]) -> None:
        """Keep what was returned for a batch: Parquet files with its rows, in order.

        A batch of which nothing could be inspected has none. Its checkpoint is an empty file, so
        that it is not tried again, and its rows are missing from the tables.
        """
        self._lock.require(self._store)
        shards = tuple(shards)
        path = self._path(stage, batch)
        with self._store.writing():
            files.make_folder(path.parent)
            files.replace(path, join(shards) if shards else b"")

    def read(self, stage: str, batches: Iterable[Batch]) -> Iterator[tuple[Batch, pd.DataFrame]]:
        """Yield the batches of which something could be inspected, with their rows.

        Raises
        ------
        StudyError
            If a checkpoint is damaged, a link, or larger than any.
        """
        for batch in batches:
            path = self._path(stage, batch)
            content = read_bounded(path, MAX_BYTES)
            if content:
                yield batch, _decoded(path, content)

    def remove(self) -> None:
        """Remove all checkpoints: the tables have made them superfluous."""
        self._lock.require(self._store)
        with self._store.writing(), suppress(FileNotFoundError):
            shutil.rmtree(self._all)

    def _path(self, stage: str, batch: Batch) -> Path:
        return self._folder / stage / f"{batch.name}.parquet"


def _decoded(path: Path, content: bytes) -> pd.DataFrame:
    """Return the rows of a checkpoint."""
    try:
        rows: pd.DataFrame = decode(content).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = printable(" ".join(str(error).split())[:300])
        message = (
            f"{printable(str(path))}: cannot be read ({reason}). Delete this file, then run "
            "the same command again: it is computed anew."
        )
        raise StudyError(message) from error
    return rows
