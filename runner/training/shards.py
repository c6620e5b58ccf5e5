"""Shards: the Parquet file of a batch, one row per restart.

An array of parameters is one column, a list of its numbers row by row. Lists, and not arrays of a
fixed shape, since shards of several networks are read as one table, where ``W1`` has other shapes;
and since a weight that is no number is null, which arrays of a fixed shape cannot hold. The file
says itself what is in it: see `describe`.

The bytes of a shard depend on its rows, on its configurations and on the version of pyarrow alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from runner.network.architecture import Network
from runner.network.signature import Signature
from runner.training.column_names import distinct

FORMAT = 2
"""Version of what a shard holds. In format 1 every weight was a column, ``W1[0,0]``, of its own."""

_MEANING = {
    "configuration": (pa.int32(), "the configuration's number in the study"),
    "restart": (pa.int64(), "the restart's number in its configuration"),
    "label": (pa.string(), "how it ended"),
    "solved": (pa.bool_(), "every output is on the right side"),
    "steps": (pa.int32(), "updates made"),
    "loss": (pa.float64(), "loss at the final weights, the L2 term included"),
    "gradient_norm": (pa.float64(), "largest absolute component of the gradient there"),
    "weight_norm": (pa.float64(), "Euclidean norm of the final weights and biases"),
    "level": (pa.float64(), "exact loss that a stuck restart has come to"),
}
_CURVES = {
    "curve_steps": (pa.list_(pa.int32()), "steps at which the loss was recorded"),
    "curve_losses": (pa.list_(pa.float64()), "losses there"),
}
_COUNTED = {
    "mistakes": "corrections made",
    "period": "passes after which the weights came back, 0 if not",
    "new_starts": "plateaus on which it began again from a new start",
    "perturbations": "plateaus on which its weights got noise",
}

CURVES = tuple(_CURVES)
"""Columns of loss curves, a list each."""

INDEX: Final = ["configuration", "restart"]
"""What tells a restart from all others: index of every table with a row for each."""

RESTART_COLUMNS = tuple(_MEANING)
"""Columns that every shard has, whatever its network."""

_CONFIGURATIONS = b"runner.configurations"


def may_be_missing(kind: pa.DataType) -> bool:
    """Whether a shard's column of this type is null where there is no number.

    No level that was come to, a loss or a weight of a restart that diverged. A NaN there would be
    counted by some readers of Parquet and left out by others, as the smallest and largest value in
    a file's footer, by which they skip rows, do not know it.
    """
    return bool(pa.types.is_floating(kind))


def array_columns(network: Network) -> tuple[str, ...]:
    """Return the columns of a network's arrays of parameters, in storage order.

    Their own names, ``W1``, ``b1``, ...; an underscore follows where a custom model's is taken.
    """
    return distinct(network.array_names, (*_MEANING, *_COUNTED, *_CURVES))


@lru_cache(maxsize=64)  # it is asked for with every part of a shard that is read
def shard_schema(signature: Signature) -> pa.Schema:
    """Columns of a shard.

    Notes
    -----
    loss, gradient_norm (largest absolute component) and weight_norm (Euclidean) are taken in
    float64 at the final weights; the weights have the training dtype. Before version 0.2.0 what is
    null now was NaN.
    """
    weight = pa.float32() if signature.dtype == "float32" else pa.float64()
    return pa.schema(
        [
            *((name, kind) for name, (kind, _) in _MEANING.items()),
            *((name, pa.int64()) for name in signature.counted),
            *((name, pa.list_(weight)) for name in array_columns(signature.architecture)),
            *((name, kind) for name, (kind, _) in _CURVES.items()),
        ]
    )


def describe(signature: Signature, configurations: Mapping[int, str]) -> dict[bytes, bytes]:
    """Return what a shard says of itself, as key-value metadata of the file.

    Parameters
    ----------
    signature : Signature
    configurations : mapping of int to str
        Number to id of those whose restarts the shard holds.

    Returns
    -------
    dict of bytes to bytes
        ``runner.format``, a number; ``runner.configurations``, their numbers and ids;
        ``runner.columns``, what each column means, its unit, and the shape of arrays. The last two
        are JSON. Nothing here relies on them: they are for other programs.
    """
    network, entropy = signature.architecture, signature.loss
    columns: dict[str, dict[str, Any]] = {
        name: {"meaning": meaning} for name, (_, meaning) in (_MEANING | _CURVES).items()
    }
    columns |= {name: {"meaning": _COUNTED[name]} for name in signature.counted}
    for name in ("steps", "curve_steps"):
        columns[name]["unit"] = "steps"
    if entropy is not None and entropy.kind == "cross-entropy":
        for name in ("loss", "level", "curve_losses"):
            columns[name]["unit"] = "nats"
    names = zip(array_columns(network), network.array_names, network.parameter_shapes, strict=True)
    for column, name, shape in names:
        columns[column] = {"meaning": f"final {name}, row by row", "shape": list(shape)}
    return {
        b"runner.format": str(FORMAT).encode(),
        _CONFIGURATIONS: _json({str(number): configurations[number] for number in configurations}),
        b"runner.columns": _json({name: columns[name] for name in shard_schema(signature).names}),
    }


def encode_shard(table: pa.Table, signature: Signature, ids: Mapping[int, str]) -> bytes:
    """Return a table of `shard_schema` as the bytes of a shard, which says what is in it.

    Parameters
    ----------
    table : pyarrow.Table
    signature : Signature
    ids : mapping of int to str
        Ids by number of the table's configurations, and perhaps of others.
    """
    present = sorted(table["configuration"].unique().to_pylist())
    metadata = describe(signature, {number: ids[number] for number in present})
    return encode(table.replace_schema_metadata(metadata))


def encode(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file, the metadata of its schema included."""
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": ["label"]}
    schema = pa.schema([_as_read_again(field) for field in table.schema])
    with pq.ParquetWriter(sink, schema, **options) as writer:
        writer.write_table(table.cast(schema), row_group_size=2**20)
        # as the file's own metadata: in the schema's, Arrow would store them twice
        writer.add_key_value_metadata(dict(sorted((table.schema.metadata or {}).items())))
    return bytes(sink.getvalue())


def _as_read_again(field: pa.Field) -> pa.Field:
    """Return a field that is the same after it was written and read: Arrow renames lists' items."""
    if pa.types.is_list(field.type):
        return field.with_type(pa.list_(pa.field("element", field.type.value_type)))
    return field


def decode(shard: bytes) -> pa.Table:
    """Return the table in the bytes of a Parquet file, with the file's metadata as its schema's."""
    file = pq.ParquetFile(pa.BufferReader(shard))
    said = {k: v for k, v in (file.metadata.metadata or {}).items() if k != b"ARROW:schema"}
    return file.read().replace_schema_metadata(said)


def join(shards: Sequence[bytes]) -> bytes:
    """Join shards of consecutive parts of a batch: the bytes that the whole batch would have."""
    if len(shards) == 1:
        return shards[0]
    tables = [decode(shard) for shard in shards]
    joined = pa.concat_tables([table.replace_schema_metadata() for table in tables])
    return encode(joined.combine_chunks().replace_schema_metadata(_joined_metadata(tables)))


def _joined_metadata(tables: Sequence[pa.Table]) -> dict[bytes, bytes]:
    """Return what the tables say of themselves, with the configurations of all of them."""
    metadata = dict(tables[0].schema.metadata or {})
    if _CONFIGURATIONS in metadata:
        ids: dict[str, str] = {}
        for table in tables:
            ids |= json.loads(table.schema.metadata[_CONFIGURATIONS])
        metadata[_CONFIGURATIONS] = _json({number: ids[number] for number in sorted(ids, key=int)})
    return metadata


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
