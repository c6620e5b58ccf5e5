"""Starts that are given row by row, with or without noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from runner.network.starts.base import gaussian


@dataclass(frozen=True, eq=False)
class Given:
    """Restart k starts from row k, and after the last one from the first again."""

    rows: np.ndarray
    """(n_rows, n_parameters) float64, in storage order of the parameters."""
    noise: float = 0.0
    """Standard deviation of what is added to every parameter."""
    first: int = 0
    """Restart that starts from the first of the rows."""

    @cached_property
    def sha256(self) -> str:
        """Digest of the rows as little-endian float64."""
        return hashlib.sha256(np.ascontiguousarray(self.rows, "<f8").tobytes()).hexdigest()

    def draw(self, start: int, stop: int, uniform: np.ndarray) -> np.ndarray:
        """Starts (n_parameters, stop - start) of restarts, from as many numbers on (0, 1)."""
        numbers = (np.arange(start, stop) - self.first) % len(self.rows)
        drawn = self.rows[numbers].T.copy()
        return drawn + self.noise * gaussian(uniform) if self.noise else drawn

    def part(self, start: int, stop: int) -> Given:
        """Return what the restarts in [start, stop) need, small enough to be sent with them."""
        if self.noise or self.first or stop > len(self.rows):
            return self
        return replace(self, rows=self.rows[start:stop], first=start)
