"""Rows of all committed shards, checked before anything is computed from them.

A study may come from anywhere. What a shard holds is bounded before it is read: its size is
compared with the log's, the rows, columns and values in its footer with the log and the plan.
Rows must be restarts of the shard's group, each at most once. Hashes are not computed here, which
would read every byte: `runner.study.damage` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.configuration import Configuration
from runner.experiment.plan import Plan
from runner.network.architecture import Network
from runner.network.signature import Signature
from runner.study.analysis_tables import INDEX
from runner.study.commits import Commit
from runner.study.folder import StudyFolder
from runner.study.wide_shards import as_lists, wide_columns, wide_schema
from runner.training.curves import checkpoints
from runner.training.labels import LABELS
from runner.training.shards import CURVES, array_columns, may_be_missing, shard_schema

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
        self._longest: dict[tuple[int, int], dict[str, int]] = {}  # by group of a round

    def read(self, columns: Sequence[str], rows: ds.Expression | None = None) -> pa.Table:
        """Read columns of all committed shards, sorted by configuration and restart.

        A column that a group's shards lack is missing there; ``rows`` filters.
        """
        parts = [table for _, table in self.by_network(columns, rows)]
        if not parts:
            signatures = (group.configurations[0].signature() for group in self._plan.groups)
            schema = pa.unify_schemas(map(shard_schema, signatures), promote_options="permissive")
            return schema.empty_table().select([name for name in columns if name in schema.names])
        table = pa.concat_tables(parts, promote_options="permissive")
        table = table.select([name for name in columns if name in table.column_names])
        if len(parts) == 1 and self._plan.before is None:  # a group of a grid is in order
            return table
        return table.sort_by([(name, "ascending") for name in INDEX])

    def by_network(
        self, columns: Sequence[str], rows: ds.Expression | None = None
    ) -> Iterator[tuple[Network, pa.Table]]:
        """Yield a table for each group of each round that has shards, with its network.

        Columns that they lack are left out. Every list of an array's column has the array's size.
        """
        with self._reading():
            for first, dataset in self._datasets():
                signature = self._plan.first_member(first).signature()
                present, wanted = self._present(signature, columns)
                table = dataset.to_table(columns=wanted, filter=rows)
                if self._is_wide:
                    table = as_lists(signature, table, present)
                self._check_rows(first, table)
                self._check_lengths(signature.architecture, table)
                yield signature.architecture, self._on_grid(table)

    def blocks(
        self, columns: Sequence[str], rows: ds.Expression | None = None
    ) -> Iterator[tuple[Network, pa.Table]]:
        """Yield the same a part of a shard at a time; memory does not grow with their number."""
        with self._reading():
            for first, dataset in self._datasets():
                signature = self._plan.first_member(first).signature()
                present, wanted = self._present(signature, columns)
                last = -1
                for batch in dataset.to_batches(columns=wanted, filter=rows, **_NOT_AHEAD):
                    table = pa.table(batch)
                    if self._is_wide:
                        table = as_lists(signature, table, present)
                    last = self._check_rows(first, table, last)
                    self._check_lengths(signature.architecture, table)
                    if len(table):
                        yield signature.architecture, self._on_grid(table)

    def _present(self, signature: Signature, columns: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return those of the columns that shards of a network have, and what is read for them."""
        present = [name for name in columns if name in shard_schema(signature).names]
        return present, wide_columns(signature, present) if self._is_wide else present

    def rows_of(self, configurations: Iterable[Configuration]) -> ds.Expression:
        """Return the filter for rows of some of the plan's configurations."""
        numbers = self._plan.numbers[[c.index for c in configurations]].tolist()
        wanted: ds.Expression = ds.field(INDEX[0]).isin(numbers)
        return wanted

    def _datasets(self) -> Iterator[tuple[Batch, ds.Dataset]]:
        """Yield the shards of every group of every round, with its first batch that has any."""
        schema_of = wide_schema if self._is_wide else shard_schema
        of_group: dict[tuple[int, int], list[Commit]] = {}
        for commit in self._commits:
            if commit.rows:
                of_group.setdefault(commit.batch.group_of_round, []).append(commit)
        for commits in of_group.values():
            first = commits[0].batch
            schema = schema_of(self._plan.first_member(first).signature())
            for commit in commits:
                self._check_shard(commit, schema)
            paths = [str(self._folder.shard_path(commit.batch)) for commit in commits]
            yield first, ds.dataset(paths, schema=schema, format="parquet")

    def pieces(self, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        """Yield all rows, a part of a shard at a time; memory does not grow with their number.

        Rows of one configuration come in the order of their restarts. ``None`` is all columns.
        """
        with self._reading():
            for first, dataset in self._datasets():
                last = -1
                for batch in dataset.to_batches(
                    columns=None if columns is None else list(columns), **_NOT_AHEAD
                ):
                    table = pa.table(batch)
                    last = self._check_rows(first, table, last)
                    if columns is None and not self._is_wide:
                        self._check_lengths(self._plan.first_member(first).architecture, table)
                    yield self._on_grid(table)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what is wrong with a shard into a StudyError."""
        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            problem = printable(" ".join(str(error).split())[:300])
            raise self._folder.damaged(f"a committed shard cannot be read ({problem})") from error

    def _on_grid(self, table: pa.Table) -> pa.Table:
        """Return rows with positions in the grid for the numbers of configurations in shards."""
        place = table.column_names.index(INDEX[0]) if INDEX[0] in table.column_names else -1
        if place < 0 or self._plan.before is None:
            return table
        positions = self._plan.roster.places[table[place].to_numpy()]
        return table.set_column(
            place, table.field(place), pa.array(positions, table.field(place).type)
        )

    def _check_rows(self, batch: Batch, table: pa.Table, after: int = -1) -> int:
        """Raise StudyError if rows are not restarts of a batch's group, once each, in order.

        They must come after a position in the group; that of the last one is returned.
        """
        whole = not any(
            column.null_count
            for column in table.columns
            if not (may_be_missing(column.type) or pa.types.is_list(column.type))
        )
        if whole:
            owner, restart = (table[name].to_numpy() for name in INDEX)
            position = self._plan.round_group(batch).positions(owner, restart)
            whole = bool((position >= 0).all() and (np.diff(position, prepend=after) > 0).all())
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

    def _longest_lists(self, batch: Batch) -> dict[str, int]:
        """Return the most values that a row of a batch's shard has in its columns of lists."""
        if (known := self._longest.get(batch.group_of_round)) is not None:
            return known
        network = self._plan.first_member(batch).architecture
        budget = max(c.settings.training.max_steps for c in self._plan.members(batch))
        longest = {name: len(checkpoints(budget)) + 1 for name in CURVES}
        blocks = network.blocks()
        for name, (rows, _) in zip(array_columns(network), blocks, strict=True):
            longest[name] = rows.stop - rows.start
        self._longest[batch.group_of_round] = longest
        return longest

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
        longest = self._longest_lists(commit.batch)
        for group in range(footer.num_row_groups):
            part = footer.row_group(group)
            for column in map(part.column, range(part.num_columns)):
                # a list that repeats one value takes no room in the file, and any in memory
                most = longest.get(column.path_in_schema.partition(".")[0], 1)
                if column.num_values > part.num_rows * most:
                    column_name = printable(column.path_in_schema)
                    raise self._folder.damaged(
                        f"shard {name} holds more values of {column_name} than its rows can have"
                    )
        self._checked.add(commit.batch)
