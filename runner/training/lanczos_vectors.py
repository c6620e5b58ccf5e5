"""The vectors of Lanczos' method, each orthogonal to all before: by NumPy, or compiled."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from runner.engines.base import Orthogonalise
from runner.network.column_products import column_dots, column_norms

_FEWEST = 0.75
"""Share of the places that endpoints take up at least: those of endpoints that have left are
computed with the others, and to close ranks is to copy all vectors."""


class LanczosVectors(ABC):
    """The vectors of k endpoints, of n numbers each."""

    last: np.ndarray
    """(n, k) float64: the latest one of each."""

    @abstractmethod
    def add(self, product: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Make products orthogonal to all vectors, and vectors of what is left.

        Parameters
        ----------
        product : ndarray, shape (n, k), float64

        Returns
        -------
        along : ndarray, shape (m, k)
            How much of each product was along each of the m vectors before.
        length : ndarray, shape (k,)
            Of what was left.
        """

    @abstractmethod
    def keep(self, on: np.ndarray) -> None:
        """Forget all endpoints but some, rising positions."""


class PlainVectors(LanczosVectors):
    """One pass after the other over all of them.

    Parameters
    ----------
    begin : ndarray, shape (n,)
        The first one, of every endpoint.
    k : int
    """

    def __init__(self, begin: np.ndarray, k: int) -> None:
        self._vectors = [np.repeat(begin[:, np.newaxis], k, axis=1)]

    @property
    def last(self) -> np.ndarray:  # type: ignore[override]
        return self._vectors[-1]

    def add(self, product: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = np.zeros((len(self._vectors), product.shape[1]))
        # against rounding twice, so that no eigenvalue is found a second time
        for _ in range(2):
            for number, earlier in enumerate(self._vectors):
                part = column_dots(earlier, product)
                along[number] += part
                product = product - part * earlier
        length = column_norms(product)
        self._vectors.append(product / np.where(length > 0, length, 1.0))
        return along, length

    def keep(self, on: np.ndarray) -> None:
        self._vectors = [vector[:, on] for vector in self._vectors]


class BlockedVectors(LanczosVectors):
    """The same in blocks of lanes, by vector code.

    Parameters
    ----------
    begin, k
        As of `PlainVectors`.
    most : int
        Vectors at most.
    orthogonalise : Orthogonalise
    """

    def __init__(self, begin: np.ndarray, k: int, most: int, orthogonalise: Orthogonalise) -> None:
        self._orthogonalise, self._most, self._n = orthogonalise, most, len(begin)
        self._place = np.arange(k)  # of each endpoint among the lanes
        self._vectors = np.empty((self._blocks_of(k), most, self._n, orthogonalise.width))
        self._vectors[:, 0] = begin[:, np.newaxis]
        self._count = 1
        self.last = np.repeat(begin[:, np.newaxis], k, axis=1)

    def _blocks_of(self, k: int) -> int:
        return -(-k // self._orthogonalise.width)

    def add(self, product: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_blocks, width = len(self._vectors), self._orthogonalise.width
        lanes = np.zeros((self._n, n_blocks * width))
        lanes[:, self._place] = product
        blocks = np.ascontiguousarray(lanes.reshape(self._n, n_blocks, width).swapaxes(0, 1))
        sums, lengths = self._orthogonalise(self._vectors, self._count, blocks)
        along = sums[:, : self._count].swapaxes(0, 1).reshape(self._count, -1)
        self.last = self._lanes(self._count)
        self._count += 1
        return np.take(along, self._place, axis=1), lengths.ravel()[self._place]

    def _lanes(self, number: int) -> np.ndarray:
        """A vector of every endpoint, (n, k)."""
        lanes = self._vectors[:, number].swapaxes(0, 1).reshape(self._n, -1)
        return np.take(lanes, self._place, axis=1)

    def keep(self, on: np.ndarray) -> None:
        self._place, self.last = self._place[on], np.take(self.last, on, axis=1)
        n_blocks, width = self._blocks_of(on.size), self._orthogonalise.width
        if n_blocks > _FEWEST * len(self._vectors):
            return
        fewer = np.empty((n_blocks, *self._vectors.shape[1:]))
        for number in range(self._count):
            lanes = np.zeros((self._n, n_blocks * width))
            lanes[:, : on.size] = self._lanes(number)
            fewer[:, number] = lanes.reshape(self._n, n_blocks, width).swapaxes(0, 1)
        self._place, self._vectors = np.arange(on.size), fewer
