"""The vectors of Lanczos' method, each orthogonal to all before."""

from __future__ import annotations

import numpy as np

from runner.network.column_products import column_dots, column_norms


class LanczosVectors:
    """The vectors of k endpoints, of n numbers each.

    Parameters
    ----------
    begin : ndarray, shape (n,)
        The first one, of every endpoint.
    k : int
    """

    def __init__(self, begin: np.ndarray, k: int) -> None:
        self._vectors = [np.repeat(begin[:, np.newaxis], k, axis=1)]

    @property
    def last(self) -> np.ndarray:
        """(n, k) float64: the latest one of each."""
        return self._vectors[-1]

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
        """Forget all endpoints but some, rising positions."""
        self._vectors = [vector[:, on] for vector in self._vectors]
