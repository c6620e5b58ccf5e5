"""Shards of format 1, in which every weight was a column of its own, read as those of today."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from runner.network.signature import Signature
from runner.training.shards import array_columns, shard_schema


def wide_schema(signature: Signature) -> pa.Schema:
    """Columns of a shard of format 1: ``W1[0,0]``, ``W1[0,1]``, ... in the places of ``W1``."""
    fields: list[pa.Field] = []
    names = _members(signature)
    for field in shard_schema(signature):
        if field.name in names:
            fields += [pa.field(name, field.type.value_type) for name in names[field.name]]
        else:
            fields.append(field)
    return pa.schema(fields)


def wide_columns(signature: Signature, columns: Sequence[str]) -> list[str]:
    """Return what to read of a shard of format 1 for some columns of today's."""
    names = _members(signature)
    return [name for column in columns for name in names.get(column, (column,))]


def as_lists(signature: Signature, table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return `wide_columns` of a shard as the columns that they stand for.

    A number that is none is null, as it is in shards of today; version 0.1.0 wrote NaN.
    """
    names = _members(signature)
    schema = shard_schema(signature)
    arrays: list[pa.Array | pa.ChunkedArray] = []
    for column in columns:
        if column in names:
            block = [table[name].to_numpy() for name in names[column]]
            flat = np.column_stack(block).ravel() if len(table) else np.empty(0, block[0].dtype)
            offsets = np.arange(len(table) + 1, dtype=np.int32) * len(block)
            numbers = pa.array(flat, schema.field(column).type.value_type, from_pandas=True)
            arrays.append(pa.ListArray.from_arrays(offsets, numbers))
        else:
            arrays.append(without_nan(table[column]))
    return pa.table(arrays, names=list(columns))


def without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with null in place of NaN, in its lists too."""
    kind = column.type
    if pa.types.is_list(kind) and pa.types.is_floating(kind.value_type):
        parts = [_lists_without_nan(part) for part in column.chunks]
        return pa.chunked_array(parts, kind)
    if pa.types.is_floating(kind):
        return pa.chunked_array([pa.array(column.to_numpy(), kind, from_pandas=True)])
    return column


def _lists_without_nan(lists: pa.ListArray) -> pa.ListArray:
    lists = pa.concat_arrays([lists])  # without the values of rows that a slice has left out
    values = pa.array(lists.values.to_numpy(zero_copy_only=False), from_pandas=True)
    return pa.ListArray.from_arrays(lists.offsets, values, mask=lists.is_null())


def _members(signature: Signature) -> dict[str, tuple[str, ...]]:
    """Return the single weights of every array's column."""
    network = signature.architecture
    return {
        column: network.parameter_names[rows]
        for column, (rows, _) in zip(array_columns(network), network.blocks(), strict=True)
    }
