"""Rows of all committed shards, checked before anything is computed from them.

A study may come from anywhere. What a shard holds is bounded before it is read: its size is
compared with the log's, the number of rows and the columns in its footer with the log and the plan.
Rows must be restarts of the shard's group, each at most once. Hashes are not computed here, which
would read every byte: `runner.study.damage` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.network.architecture import Network
from runner.network.signature import Signature
from runner.study.analysis_tables import INDEX
from runner.study.commits import Commit
from runner.study.folder import StudyFolder
from runner.study.wide_shards import as_lists, wide_columns, wide_schema
from runner.training.labels import LABELS
from runner.training.shards import array_columns, may_be_missing, shard_schema

# Arrow's threads would read shards faster than they are counted, and keep them in memory.
_NOT_AHEAD = {"batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}


class ShardReader:
    """Reads the committed shards of a study.

    Parameters
    ----------
    folder : StudyFolder
    plan : Plan
    commits : sequence of Commit
        What is committed; every batch is one of the plan's.
    form : int
        The study's format; see `runner.training.shards.FORMAT`.
    """

    def __init__(
        self, folder: StudyFolder, plan: Plan, commits: Sequence[Commit], form: int
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._commits = commits
        self._is_wide = form == 1
        self._checked: set[Batch] = set()  # batches whose shards have been looked at

    def read(self, columns: Sequence[str], rows: ds.Expression | None = None) -> pa.Table:
        """Read columns of all committed shards, sorted by configuration and restart.

        A column that a group's shards lack is missing there; ``rows`` filters.
        """
        parts = [table for _, table in self.by_network(columns, rows)]
        if not parts:
            schema = {name: pa.int64() if name in INDEX else pa.float64() for name in columns}
            return pa.schema(schema).empty_table()
        table = pa.concat_tables(parts, promote_options="permissive")
        table = table.select([name for name in columns if name in table.column_names])
        return table.sort_by([(name, "ascending") for name in INDEX])

    def by_network(
        self, columns: Sequence[str], rows: ds.Expression | None = None
    ) -> Iterator[tuple[Network, pa.Table]]:
        """Yield a table for each group of the plan that has shards, with its network.

        Columns that they lack are left out. Every list of an array's column has the array's size.
        """
        with self._reading():
            for number, dataset in self._datasets():
                signature = self._signature(number)
                present = [name for name in columns if name in shard_schema(signature).names]
                wanted = wide_columns(signature, present) if self._is_wide else present
                table = dataset.to_table(columns=wanted, filter=rows)
                if self._is_wide:
                    table = as_lists(signature, table, present)
                self._check_rows(number, table)
                self._check_lengths(signature.architecture, table)
                yield signature.architecture, table

    def _signature(self, group: int) -> Signature:
        return self._plan.groups[group].configurations[0].signature()

    def _datasets(self) -> Iterator[tuple[int, ds.Dataset]]:
        """Yield the shards of every group, with its number."""
        schema_of = wide_schema if self._is_wide else shard_schema
        of_group: dict[int, list[Commit]] = {}
        for commit in self._commits:
            if commit.rows:
                of_group.setdefault(commit.batch.group, []).append(commit)
        for number, commits in of_group.items():
            schema = schema_of(self._signature(number))
            for commit in commits:
                self._check_shard(commit, schema)
            paths = [str(self._folder.shard_path(commit.batch)) for commit in commits]
            yield number, ds.dataset(paths, schema=schema, format="parquet")

    def pieces(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield all rows, a part of a shard at a time; memory does not grow with their number."""
        with self._reading():
            for number, dataset in self._datasets():
                last = -1
                for batch in dataset.to_batches(columns=list(columns), **_NOT_AHEAD):
                    table = pa.table(batch)
                    last = self._check_rows(number, table, last)
                    yield table

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what is wrong with a shard into a StudyError."""
        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            problem = printable(" ".join(str(error).split())[:300])
            raise self._folder.damaged(f"a committed shard cannot be read ({problem})") from error

    def _check_rows(self, number: int, table: pa.Table, after: int = -1) -> int:
        """Raise StudyError if rows are not restarts of the group, each at most once, in order.

        They must come after a position in the group; that of the last one is returned.
        """
        owners = [c.index for c in self._plan.groups[number].configurations]
        whole = not any(
            column.null_count for column in table.columns if not may_be_missing(column.type)
        )
        if whole:
            owner, restart = (table[name].to_numpy() for name in INDEX)
            n = self._plan.experiment.restarts
            inside = np.isin(owner, owners) & (restart >= 0) & (restart < n)
            position = np.searchsorted(owners, owner) * n + restart
            whole = bool(inside.all() and (np.diff(position, prepend=after) > 0).all())
            after = int(position[-1]) if len(position) else after
        if whole and "label" in table.column_names:
            whole = set(table["label"].unique().to_pylist()) <= set(LABELS)
        if not whole:
            raise self._folder.damaged("a shard holds rows that are not those of its batch")
        return after

    def _check_lengths(self, network: Network, table: pa.Table) -> None:
        """Raise StudyError if an array's column has a list of another length than the array."""
        for name, (rows, _) in zip(array_columns(network), network.blocks(), strict=True):
            if name in table.column_names:
                lengths = pc.list_value_length(table[name])
                if (
                    lengths.null_count
                    or pc.any(pc.not_equal(lengths, rows.stop - rows.start)).as_py()
                ):
                    raise self._folder.damaged(f"a shard holds a {name} of another size")

    def _check_shard(self, commit: Commit, schema: pa.Schema) -> None:
        """Raise StudyError if a shard is not what its commit says, as far as its footer tells."""
        if commit.batch in self._checked:
            return
        path, name = self._folder.shard_path(commit.batch), commit.batch.name
        if self._folder.is_linked(path):
            raise self._folder.damaged(f"shard {name} is a link; expected a file")
        if path.stat().st_size != commit.size:
            raise self._folder.damaged(f"shard {name} does not have the size that the log says")
        footer = pq.read_metadata(path)
        if footer.num_rows != commit.rows or footer.schema.to_arrow_schema() != schema:
            raise self._folder.damaged(f"shard {name} does not have the plan's rows and columns")
        self._checked.add(commit.batch)
