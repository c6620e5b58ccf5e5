"""p-values of several tests, adjusted for their number."""

from __future__ import annotations

import numpy as np


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return adjusted p-values (Holm 1979, Scand. J. Stat. 6:65).

    Parameters
    ----------
    p_values : ndarray, shape (m,), float64
        None is missing.

    Returns
    -------
    ndarray, shape (m,), float64
        In the same order; at most 1.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(9).tolist()
    [0.03, 0.06, 0.06]
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(m)
    adjusted[order] = np.maximum.accumulate((m - np.arange(m)) * p_values[order])
    return np.minimum(adjusted, 1.0)
