"""What the next round adds: arithmetic on counts of restarts, without a study or a clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.precision.targets.base import Need


def following(counts: np.ndarray, needs: Sequence[Need], most: int) -> np.ndarray:
    """Return how many restarts configurations have after the next round.

    Parameters
    ----------
    counts : ndarray, shape (n,), int64
        What they have.
    needs : sequence of Need
        What they need, target by target; without any, all of them double.
    most : int
        What each may have.

    Returns
    -------
    ndarray, shape (n,), int64
        The largest of the needs of each; equal to ``counts`` if no round is to follow.
    """
    wanted = np.max([need.restarts for need in needs], axis=0) if needs else 2 * counts
    after: np.ndarray = np.maximum(counts, np.minimum(wanted, most))
    return after


def fitting(counts: np.ndarray, wanted: np.ndarray, possible: float) -> np.ndarray:
    """Return a round of at most so many restarts, each configuration having the same share of it.

    Parameters
    ----------
    counts, wanted : ndarray, shape (n,), int64
        Restarts before and after a round.
    possible : float
        Restarts that there is time for.
    """
    added = wanted - counts
    share = min(1.0, possible / max(1, int(added.sum())))
    fitted: np.ndarray = counts + np.floor(added * share).astype(np.int64)
    return fitted
