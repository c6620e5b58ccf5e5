"""A hash of what a study holds of each configuration, whatever files and rounds that is cut into.

Two studies, one grown and one asked for at once, hold the same of a configuration if its hashes
agree, and only then. The hash is a SHA-256 over those of blocks of `BLOCK` restarts, 0 to 4,095 and
so on; a block's is over the rows that are there, in the order of their restarts: every column but
``configuration``, which is a matter of the study and not of what was trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from runner.experiment.plan import Plan
from runner.training.shards import INDEX

BLOCK = 4096
"""Restarts of a configuration that are hashed together."""

_TEXT = "S16"  # of a label


@dataclass
class _Content:
    """What has been hashed of one configuration."""

    outer: Any
    """Over the blocks that are finished."""
    block: int = -1
    """Which block is under way; -1 for none."""
    rows: Any = field(default_factory=hashlib.sha256)
    """Over all but its loss curves."""
    lists: Any = field(default_factory=hashlib.sha256)
    """Over these."""

    def close(self) -> None:
        """Hash the block that is under way."""
        if self.block >= 0:
            self.outer.update(self.block.to_bytes(8, "little"))
            self.outer.update(self.rows.digest() + self.lists.digest())
        self.rows, self.lists = hashlib.sha256(), hashlib.sha256()


def content_hashes(plan: Plan, tables: Iterable[pa.Table]) -> pd.Series[str]:
    """Hash the rows of all configurations.

    Parameters
    ----------
    plan : Plan
    tables : iterable of pyarrow.Table
        All columns of the shards, ``configuration`` being the position in the grid. Rows of one
        configuration come in the order of their restarts, however they are spread over tables.

    Returns
    -------
    Series of str
        Named ``sha256``, by configuration; hexadecimal.

    Notes
    -----
    Numbers are hashed as little-endian bytes, whatever is missing as one NaN, labels as 16 bytes,
    a loss curve as two lists, each with its length. Memory does not grow with the restarts.
    """
    contents = [_Content(hashlib.sha256(c.id.encode())) for c in plan.configurations]
    for table in tables:
        owner, restart = (table[name].to_numpy() for name in INDEX)
        rows, lists = _rows(table), _lists(table)
        places = np.array([row for row, _ in lists], np.int64)
        keys = np.stack([owner, restart // BLOCK])
        cuts = np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1
        for start, stop in pairwise([0, *cuts.tolist(), len(owner)]):
            if start == stop:
                continue
            content, block = contents[int(owner[start])], int(keys[1, start])
            if content.block != block:
                content.close()
                content.block = block
            content.rows.update(rows[start:stop])
            first, last = np.searchsorted(places, [start, stop]).tolist()
            for _, each in lists[first:last]:
                content.lists.update(each)
    for content in contents:
        content.close()
    index = pd.RangeIndex(len(contents), name="configuration")
    return pd.Series([content.outer.hexdigest() for content in contents], index, name="sha256")


def _rows(table: pa.Table) -> np.ndarray:
    """Return all columns but the loss curves as bytes, (n, width) uint8."""
    parts = [
        _bytes(table[name].combine_chunks())
        for name in table.column_names
        if name != INDEX[0] and not _is_curve(name)
    ]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _bytes(column: pa.Array) -> np.ndarray:
    """Return a column as bytes, (n, width) uint8."""
    n = len(column)
    if pa.types.is_list(column.type):  # an array of parameters, of the same length in every row
        column = column.flatten()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        values = np.array(column.to_numpy(zero_copy_only=False), dtype=_TEXT)
    elif pa.types.is_floating(column.type):
        values = column.to_numpy(zero_copy_only=False)
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    else:
        values = column.to_numpy(zero_copy_only=False)
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).view(np.uint8).reshape(n, -1)


def _is_curve(name: str) -> bool:
    return name in ("curve_steps", "curve_losses")


def _lists(table: pa.Table) -> list[tuple[int, bytes]]:
    """Return the rows that have a loss curve, and its lists as bytes."""
    names = [name for name in table.column_names if _is_curve(name)]
    if not names:
        return []
    columns = [table[name].combine_chunks() for name in names]
    there = np.flatnonzero(pc.is_valid(columns[0]).to_numpy(zero_copy_only=False))
    found = []
    for row in there.tolist():
        values = [column[row].values for column in columns if column[row].is_valid]
        parts = [len(each).to_bytes(8, "little") + _bytes(each).tobytes() for each in values]
        found.append((row, b"".join(parts)))
    return found
