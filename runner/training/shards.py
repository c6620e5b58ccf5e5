"""Shards: the Parquet file of a batch, one row per restart.

The bytes of a shard depend on its rows and on the version of pyarrow alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from runner.network.signature import Signature

RESTART_COLUMNS = (
    "configuration",
    "restart",
    "label",
    "solved",
    "steps",
    "loss",
    "gradient_norm",
    "weight_norm",
    "level",
)
"""Columns that every shard has, whatever its network."""


def may_be_missing(kind: pa.DataType) -> bool:
    """Whether a shard's column of this type is null where there is no number.

    No level that was come to, a loss or a weight of a restart that diverged. A NaN there would be
    counted by some readers of Parquet and left out by others, as the smallest and largest value in
    a file's footer, by which they skip rows, do not know it.
    """
    return bool(pa.types.is_floating(kind))


def shard_schema(signature: Signature) -> pa.Schema:
    """Columns of a shard.

    Notes
    -----
    loss, gradient_norm (largest absolute component) and weight_norm (Euclidean) are taken in
    float64 at the final weights; the weights have the training dtype. Before version 0.2.0 what is
    null now was NaN.
    """
    weight = pa.float32() if signature.dtype == "float32" else pa.float64()
    types = (
        *(pa.int32(), pa.int64(), pa.string(), pa.bool_(), pa.int32()),
        *(pa.float64(), pa.float64(), pa.float64(), pa.float64()),
    )
    return pa.schema(
        [
            *zip(RESTART_COLUMNS, types, strict=True),
            *((name, pa.int64()) for name in signature.rule.columns),
            *((name, weight) for name in signature.architecture.parameter_names),
            ("curve_steps", pa.list_(pa.int32())),
            ("curve_losses", pa.list_(pa.float64())),
        ]
    )


def encode(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=["label"], row_group_size=2**20)
    return bytes(sink.getvalue())


def decode(shard: bytes) -> pa.Table:
    """Return the table in the bytes of a Parquet file."""
    return pq.read_table(pa.BufferReader(shard))


def join(shards: Sequence[bytes]) -> bytes:
    """Join shards of consecutive parts of a batch: the bytes that the whole batch would have."""
    if len(shards) == 1:
        return shards[0]
    return encode(pa.concat_tables([decode(shard) for shard in shards]).combine_chunks())
