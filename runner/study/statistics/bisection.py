"""Where a condition ends to hold, by halving: between numbers of many, or between whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from runner.study.statistics.base import CONFIDENCE

EVIDENCE: Final = -float(np.log(1 - CONFIDENCE))
"""Evidence in nats that is come to at any time with probability 5% at most (Ville 1939)."""

_HALVINGS = 60


def first_outside(
    holds: Callable[[np.ndarray], np.ndarray],
    inside: np.ndarray,
    outside: np.ndarray,
    halvings: int = _HALVINGS,
) -> np.ndarray:
    """Return where a condition has ended to hold, never too near.

    Parameters
    ----------
    holds : callable
        Of (m,) float64 whether it holds, (m,) bool; on each way from inside to outside it ends
        once.
    inside, outside : ndarray, shape (m,), float64
    halvings : int
        By default as many as float64 can tell.
    """
    for _ in range(halvings):
        half = (inside + outside) / 2
        still = holds(half)
        inside, outside = np.where(still, half, inside), np.where(still, outside, half)
    return outside


def last_inside(holds: Callable[[int], bool], inside: int, outside: int) -> int:
    """Return the whole number farthest from ``inside`` at which a condition still holds.

    Parameters
    ----------
    holds : callable
        On the way from inside to outside it ends once.
    inside : int
        It holds here.
    outside : int
        It does not here; larger or smaller than ``inside``.
    """
    while abs(outside - inside) > 1:
        half = (inside + outside) // 2
        inside, outside = (half, outside) if holds(half) else (inside, half)
    return inside
