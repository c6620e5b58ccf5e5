"""Arrow's arrays from NumPy's, which lend them their memory, and back.

`pyarrow.array` looks whether it is given a column of pandas, and loads pandas for that, as
``to_numpy`` does: half a second of every worker, and of a printed summary, which have no other use
for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def column(values: np.ndarray, kind: pa.DataType, missing: np.ndarray | None = None) -> pa.Array:
    """Return numbers as an array of a type.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Of numbers or bools that the type can hold.
    kind : pyarrow.DataType
        Of numbers, or bool.
    missing : ndarray, shape (n,), bool, optional
        What is null; by default what is no number.

    Raises
    ------
    OverflowError
        If an integer type cannot hold a value, which NumPy would narrow without a word.
    """
    if pa.types.is_boolean(kind):
        data = np.packbits(np.asarray(values, bool), bitorder="little")
    else:
        data = np.ascontiguousarray(values, kind.to_pandas_dtype())
        if pa.types.is_integer(kind) and not np.can_cast(values.dtype, data.dtype):
            held = data == values if missing is None else (data == values) | missing
            if not held.all():
                raise OverflowError(f"{kind} cannot hold {values[~held][0]}")
    if missing is None and pa.types.is_floating(kind):
        missing = np.isnan(data)
    valid = None
    if missing is not None and missing.any():
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(data)])


def words(places: np.ndarray, of: Sequence[str]) -> pa.StringArray:
    """Return words by their places (n,) in a sequence of them."""
    return of_objects(of, pa.string()).take(column(places, pa.int64()))


def lists(lengths: np.ndarray, values: pa.Array, missing: np.ndarray | None = None) -> pa.ListArray:
    """Return lists (n,) of lengths (n,), one after the other in values; null where missing."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    if missing is not None:
        missing = np.append(missing, False)  # in Arrow a null's offset says where it would begin
    return pa.ListArray.from_arrays(column(offsets, pa.int32(), missing), values)


def of_objects(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return Python's numbers, words or lists of these as an array of a type; None is null."""
    missing = np.array([value is None for value in values], bool)
    if pa.types.is_list(kind):
        given = [() if value is None else value for value in values]
        inner = of_objects([item for each in given for item in each], kind.value_type)
        return lists(np.array([len(each) for each in given], np.int64), inner, missing)
    if not pa.types.is_string(kind):
        return column(np.array([value or 0 for value in values]), kind, missing)
    encoded = [(value or "").encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = map(pa.py_buffer, (ends, b"".join(encoded), np.packbits(~missing, bitorder="little")))
    return pa.StringArray.from_buffers(len(values), *buffers)


def numbers(array: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return numbers or bools as NumPy's (n,), without a copy where it can be; NaN for null.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
        Of numbers, or bool. Of these, floats alone may be null.
    """
    if isinstance(array, pa.ChunkedArray):
        if array.num_chunks != 1:
            none = np.empty(0, array.type.to_pandas_dtype())
            return np.concatenate([none, *map(numbers, array.chunks)])
        array = array.chunk(0)
    valid, data = array.buffers()
    first, stop = array.offset, array.offset + len(array)
    if pa.types.is_boolean(array.type):
        return _bits(data, stop)[first:]
    found: np.ndarray = np.frombuffer(data or b"", array.type.to_pandas_dtype(), stop)[first:]
    if array.null_count:
        found = np.where(_bits(valid, stop)[first:], found, np.nan).astype(found.dtype)
    return found


def _bits(buffer: pa.Buffer, n: int) -> np.ndarray:
    """Return the first n bits of a buffer, (n,) bool."""
    return np.unpackbits(np.frombuffer(buffer, np.uint8), count=n, bitorder="little").view(bool)
