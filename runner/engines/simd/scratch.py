"""Scratch memory: what a program needs while it runs, kept from call to call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from runner.engines.simd.vectors import CACHE_LINE


class Scratch:
    """Lends a program its memory, and keeps it from call to call.

    A network of matrices needs megabytes, and what the system gives anew it clears first, page by
    page: that took longer than a short call.

    Parameters
    ----------
    n_bytes : int
        How much the program needs.
    """

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes = n_bytes
        self._spare: list[np.ndarray] = []

    @contextmanager
    def lent(self) -> Iterator[np.ndarray]:
        """Memory that begins with a cache line, and that no other thread has meanwhile."""
        try:
            whole = self._spare.pop()
        except IndexError:
            whole = np.empty(self._n_bytes + CACHE_LINE, np.uint8)
        try:
            yield whole[-whole.ctypes.data % CACHE_LINE :]
        finally:
            self._spare.append(whole)
