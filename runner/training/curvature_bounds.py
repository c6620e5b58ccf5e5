"""Whether all curvature at an endpoint is above one bound, and some of it above another.

Most endpoints that are asked about lie near saddles, where two or three columns of the Hessian show
a curvature below the bound. So columns are taken one by one, and with them grow Cholesky's factors
of the Hessian less the bound, which is positive definite as long as their pivots are positive. An
endpoint whose pivot is not leaves, and is asked no further. All eigenvalues are computed only where
rounding could decide.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from runner.engines.base import UNSURE
from runner.training.hessians import Gradients, extreme_curvatures, hessian_columns

_BLOCK_BYTES = 2**25  # of Hessians that are looked at together; more are as fast, fewer slower

Told: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Whether curvature is bounded, as far as columns tell, and where rounding could decide, (k,) bool
each."""


def are_bounded(
    gradients: Gradients,
    parameters: np.ndarray,
    which: np.ndarray,
    least: np.ndarray,
    enough: np.ndarray,
    told: Told | None = None,
) -> np.ndarray:
    """Tell whether the Hessian's lowest eigenvalue reaches one bound, and its highest another.

    Parameters
    ----------
    gradients : Gradients
    parameters : ndarray, shape (n_parameters, k), float64
    which : ndarray, shape (k,), int
        The endpoints that they are of.
    least, enough : ndarray, shape (k,), float64
        For the lowest and the highest.
    told : tuple of ndarray, optional
        What `runner.engines.base.Compiled.bounds` has told of them.

    Returns
    -------
    ndarray, shape (k,), bool
        ``lowest >= least`` and ``highest >= enough``; False where the Hessian is not finite.
    """
    bounded, unsure = told or _by_columns(gradients, parameters, which, least, enough)
    asked = np.flatnonzero(unsure)
    if asked.size:
        lowest, highest = extreme_curvatures(gradients, parameters[:, asked], which[asked])
        bounded[asked] = (lowest >= least[asked]) & (highest >= enough[asked])
    return bounded


def _by_columns(
    gradients: Gradients,
    parameters: np.ndarray,
    which: np.ndarray,
    least: np.ndarray,
    enough: np.ndarray,
) -> Told:
    """Tell what columns do, and where all eigenvalues have to."""
    n, k = parameters.shape
    bounded, unsure = np.zeros(k, bool), np.zeros(k, bool)
    together = max(1, _BLOCK_BYTES // (8 * n * n))
    if k > together:
        for first in range(0, k, together):
            part = slice(first, first + together)
            bounded[part], unsure[part] = _by_columns(
                gradients, parameters[:, part], which[part], least[part], enough[part]
            )
        return bounded, unsure
    if not k:
        return bounded, unsure
    left, there, bound = np.arange(k), parameters, least  # of those that are left
    columns: list[np.ndarray] = []  # (n, k) each, of those that are left
    factors: list[np.ndarray] = []  # row j of Cholesky's: (j + 1, k)
    for j in range(n):
        columns.append(hessian_columns(gradients, there, j, which[left]))
        row = [(columns[i][j] + columns[j][i]) / 2 for i in range(j)]
        for i, factor in enumerate(factors):
            for earlier in range(i):
                row[i] = row[i] - factor[earlier] * row[earlier]
            row[i] = row[i] / factor[i]
        own, taken = columns[j][j] - bound, np.zeros(left.size)
        for entry in row:
            taken += entry * entry
        pivot = own - taken
        near = np.abs(pivot) <= UNSURE * (np.abs(own) + taken)
        unsure[left[near]] = True
        factors.append(np.stack([*row, np.sqrt(np.maximum(pivot, 0))]))
        stay = ~near & (pivot > 0)
        if not stay.all():
            on = np.flatnonzero(stay)
            left, bound = left[on], bound[on]
            there, columns = _of(there, on), [_of(each, on) for each in columns]
            factors = [_of(each, on) for each in factors]
        if not left.size:
            break
    else:
        # The highest eigenvalue is no less than any entry of the diagonal.
        highest = np.max([columns[j][j] for j in range(n)], axis=0)
        finite = np.isfinite(columns).all(axis=(0, 1))
        sure = highest >= enough[left] * (1 + UNSURE)
        bounded[left] = finite & sure
        unsure[left] = finite & ~sure
    return bounded, unsure


def _of(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return some columns of (rows, k); NumPy's brackets take three times as long."""
    return np.take(values, which, axis=1)
