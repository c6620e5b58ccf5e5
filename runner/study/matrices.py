"""Final weights as they lie in shards, as matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from runner.training.arrow_arrays import numbers
from runner.training.shards import array_columns

if TYPE_CHECKING:
    import pyarrow as pa

    from runner.network.architecture import Network

MOST_COLUMNS: Final = 10_000
"""Weights and biases of which a table with a column for each is made."""


def matrix(table: pa.Table, network: Network) -> np.ndarray:
    """Return all parameters (n_parameters, n) in the arrays' columns of n rows of shards.

    A parameter's numbers lie side by side, as what is computed of all restarts at once reads them.
    """
    columns = array_columns(network)
    blocks = [listed_numbers(table, column).reshape(len(table), -1).T for column in columns]
    together = np.empty((network.n_parameters, len(table)), blocks[0].dtype)
    return np.concatenate(blocks, out=together)


def listed_numbers(table: pa.Table, column: str) -> np.ndarray:
    """Return the numbers of a column of lists, one after the other; NaN for null."""
    return numbers(table[column].combine_chunks().flatten())
