"""Rows of the caller's arrays: where they lie, and memory in which they lie well."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from runner.engines.simd.memory import PERIOD, n_between_rows


def apart(array: np.ndarray) -> np.ndarray:
    """Copy an array (rows, n) to memory in which its rows do not begin at equal places of pages.

    Columns are served one by one, a number of each row, and where rows begin `PERIOD` apart, all
    of these compete for the same few lines of the cache.
    """
    copy = unset_rows(array.shape, array.dtype)
    copy[:] = array
    return copy


def unset_rows(shape: Sequence[int], dtype: np.typing.DTypeLike) -> np.ndarray:
    """Memory for rows (..., n) that do not begin at equal places of pages; see `apart`."""
    *rows, n = shape
    kind = np.dtype(dtype)
    return np.empty((*rows, n + n_between_rows(n, kind.itemsize)), kind)[..., :n]


def spaced(array: np.ndarray) -> np.ndarray:
    """Return an array as it is, or a copy where its rows have gaps or begin at equal places."""
    at_equal_places = array.ndim > 1 and len(array) > 1 and array.strides[0] % PERIOD == 0
    return apart(array) if at_equal_places else in_rows(array)


def in_rows(array: np.ndarray) -> np.ndarray:
    """Return an array as it is, or a copy where its rows have gaps."""
    return array if has_no_gaps(array) else np.ascontiguousarray(array)


def has_no_gaps(array: np.ndarray) -> bool:
    """Whether the numbers of each row follow each other."""
    few = not array.size or array.shape[-1] < 2  # whose strides may be anything
    return few or bool(array.strides[-1] == array.itemsize)


def addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Addresses of the rows of arrays, in each of which numbers follow each other; read-only."""
    places = []
    for array in arrays:
        first = array.__array_interface__["data"][0]
        places.append((first, 1, 1) if array.ndim == 1 else (first, len(array), array.strides[0]))
    return _rows_from(tuple(places))


@lru_cache(maxsize=16)  # a network of matrices has 100,000 rows, and calls use the same memory
def _rows_from(places: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Addresses that begin somewhere, so many, so many bytes apart, one run after the other."""
    rows = [first + step * np.arange(count, dtype=np.int64) for first, count, step in places]
    table = np.concatenate(rows) if rows else np.empty(0, np.int64)  # a step without settings
    table.flags.writeable = False
    return table
