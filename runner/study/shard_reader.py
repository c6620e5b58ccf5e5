"""Rows of all committed shards, checked before anything is computed from them.

A study may come from anywhere. What a shard holds is bounded before it is read: its size is
compared with the log's, the rows, columns and values in its footer with the log and the plan.
Rows must be restarts of the shard's group, each at most once. Hashes are not computed here, which
would read every byte: `runner.study.damage` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.configuration import Configuration
from runner.experiment.plan import Plan
from runner.network.architecture import Network
from runner.network.signature import Signature
from runner.study.commits import Commit
from runner.study.folder import StudyFolder
from runner.study.wide_shards import as_lists, wide_columns, wide_schema
from runner.training.arrow_arrays import column, numbers
from runner.training.curves import checkpoints
from runner.training.labels import LABELS
from runner.training.shards import CURVES, INDEX, array_columns, may_be_missing, shard_schema

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # which loads pandas, so only what filters does

# Arrow's threads would read shards faster than they are counted, and keep them in memory.
_NOT_AHEAD = {"batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}

_ROWS_AT_ONCE = 2**17


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
            for first, commits in self._groups():
                signature = self._plan.first_member(first).signature()
                present, wanted = self._present(signature, columns)
                table = self._dataset(commits).to_table(columns=wanted, filter=rows)
                if self._is_wide:
                    table = as_lists(signature, table, present)
                self._check_rows(first, table)
                self._check_lengths(signature.architecture, table)
                yield signature.architecture, self._on_grid(table)

    def blocks(
        self, columns: Sequence[str], rows: ds.Expression | None = None
    ) -> Iterator[tuple[Network, pa.Table]]:
        """Yield the same a part of a shard at a time; memory does not grow with their number."""
        return self._blocks(lambda batch: columns, rows)

    def sampled_blocks(
        self, columns: Sequence[str], sampled: Sequence[str], n_sampled: int
    ) -> Iterator[tuple[Network, pa.Table]]:
        """Yield the same; some columns of those shards alone that have a sampled restart.

        Sampled are the first ``n_sampled`` of each configuration.
        """
        is_whole = n_sampled >= self._plan.experiment.restarts

        def columns_of(batch: Batch) -> list[str]:
            some = is_whole or any(s.start < n_sampled for s in self._plan.segments(batch))
            return [*columns, *(sampled if some else ())]

        return self._blocks(columns_of, None)

    def _blocks(
        self, columns_of: Callable[[Batch], Sequence[str]], rows: ds.Expression | None
    ) -> Iterator[tuple[Network, pa.Table]]:
        with self._reading():
            for first, commits in self._groups():
                signature = self._plan.first_member(first).signature()
                last = -1
                for batch, part in self._parts(commits, columns_of, rows):
                    present, _ = self._present(signature, columns_of(batch))
                    table = as_lists(signature, part, present) if self._is_wide else part
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
        import pyarrow.dataset as ds

        wanted: ds.Expression = ds.field(INDEX[0]).isin(numbers)
        return wanted

    def _groups(self) -> Iterator[tuple[Batch, list[Commit]]]:
        """Yield what is committed of every group of every round, with the first batch of each."""
        of_group: dict[tuple[int, int], list[Commit]] = {}
        for commit in self._commits:
            if commit.rows:
                of_group.setdefault(commit.batch.group_of_round, []).append(commit)
        for commits in of_group.values():
            yield commits[0].batch, commits

    def _dataset(self, commits: Sequence[Commit]) -> ds.Dataset:
        """Return the shards of a group as one."""
        import pyarrow.dataset as ds

        schema = self._schema(commits[0].batch)
        for commit in commits:
            self._check_shard(commit, schema)
        paths = [str(self._folder.shard_path(commit.batch)) for commit in commits]
        return ds.dataset(paths, schema=schema, format="parquet")

    def _schema(self, batch: Batch) -> pa.Schema:
        schema_of = wide_schema if self._is_wide else shard_schema
        return schema_of(self._plan.first_member(batch).signature())

    def _parts(
        self,
        commits: Sequence[Commit],
        columns_of: Callable[[Batch], Sequence[str]],
        rows: ds.Expression | None,
    ) -> Iterator[tuple[Batch, pa.Table]]:
        """Yield columns of a group's shards as they are stored, a part of a shard at a time."""
        first = commits[0].batch
        signature, schema = self._plan.first_member(first).signature(), self._schema(first)
        if rows is not None:
            _, columns = self._present(signature, columns_of(first))
            dataset = self._dataset(commits)
            for part in dataset.to_batches(columns=columns, filter=rows, **_NOT_AHEAD):
                yield first, pa.Table.from_batches([part])
            return
        for commit in commits:
            self._check_file(commit)
            with pq.ParquetFile(self._folder.shard_path(commit.batch)) as file:
                self._check_shard(commit, schema, file.metadata)
                _, columns = self._present(signature, columns_of(commit.batch))
                for part in file.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
                    yield commit.batch, pa.Table.from_batches([part]).select(columns)

    def pieces(self) -> Iterator[pa.Table]:
        """Yield all rows and columns as they are stored, a part of a shard at a time.

        Memory does not grow with their number. Rows of one configuration come in the order of their
        restarts.
        """
        with self._reading():
            for first, commits in self._groups():
                signature = self._plan.first_member(first).signature()
                last = -1
                for _, table in self._parts(commits, self._all_columns, None):
                    last = self._check_rows(first, table, last)
                    if not self._is_wide:
                        self._check_lengths(signature.architecture, table)
                    yield self._on_grid(table)

    def _all_columns(self, batch: Batch) -> list[str]:
        return list(shard_schema(self._plan.first_member(batch).signature()).names)

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
        positions = self._plan.roster.places[numbers(table[place])]
        field = table.field(place)
        return table.set_column(place, field, column(positions, field.type))

    def _check_rows(self, batch: Batch, table: pa.Table, after: int = -1) -> int:
        """Raise StudyError if rows are not restarts of a batch's group, once each, in order.

        They must come after a position in the group; that of the last one is returned.
        """
        whole = not any(
            each.null_count
            for each in table.columns
            if not (may_be_missing(each.type) or pa.types.is_list(each.type))
        )
        if whole:
            owner, restart = (numbers(table[name]) for name in INDEX)
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
                size = rows.stop - rows.start
                if lengths.null_count or (numbers(lengths) != size).any():
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

    def _check_file(self, commit: Commit) -> None:
        """Raise StudyError if a shard is a link, or does not have the size of its commit."""
        path, name = self._folder.shard_path(commit.batch), commit.batch.name
        if self._folder.is_linked(path):
            raise self._folder.damaged(f"shard {name} is a link; expected a file")
        if path.stat().st_size != commit.size:
            raise self._folder.damaged(f"shard {name} does not have the size that the log says")

    def _check_shard(
        self, commit: Commit, schema: pa.Schema, footer: pq.FileMetaData | None = None
    ) -> None:
        """Raise StudyError if a shard is not what its commit says, as far as its footer tells."""
        if commit.batch in self._checked:
            return
        name = commit.batch.name
        if footer is None:
            self._check_file(commit)
            footer = pq.read_metadata(self._folder.shard_path(commit.batch))
        if footer.num_rows != commit.rows or footer.schema.to_arrow_schema() != schema:
            raise self._folder.damaged(f"shard {name} does not have the plan's rows and columns")
        longest = self._longest_lists(commit.batch)
        for group in range(footer.num_row_groups):
            part = footer.row_group(group)
            for chunk in map(part.column, range(part.num_columns)):
                # a list that repeats one value takes no room in the file, and any in memory
                most = longest.get(chunk.path_in_schema.partition(".")[0], 1)
                if chunk.num_values > part.num_rows * most:
                    column_name = printable(chunk.path_in_schema)
                    raise self._folder.damaged(
                        f"shard {name} holds more values of {column_name} than its rows can have"
                    )
        self._checked.add(commit.batch)
