"""Losses whose Hessian is given, as functions that give their gradients."""

from __future__ import annotations

import numpy as np


def quadratic(hessians):
    """Gradients of x.H.x / 2, a matrix for each endpoint."""

    def gradients(parameters, which):
        return np.einsum("kij,jk->ik", hessians[which], parameters)

    return gradients


def symmetric(rng, k, eigenvalues):
    n = len(eigenvalues)
    q, _ = np.linalg.qr(rng.normal(size=(k, n, n)))
    return np.einsum("kij,j,klj->kil", q, np.asarray(eigenvalues), q)
