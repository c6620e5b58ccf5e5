"""Symbolic arithmetic that layouts, activations, losses and update rules share.

Every function that takes ``T`` builds a graph from that tensor namespace (``pytensor.tensor``,
``theano.tensor``, or NumPy under the same names), so that all engines compile the very same
expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Tensor: TypeAlias = Any
"""A symbolic variable of whichever engine is in use."""

Namespace: TypeAlias = Any
"""The tensor namespace of an engine, as a module."""

Scalar: TypeAlias = np.floating[Any]
"""A constant of float32 or float64."""


def constant(value: float, dtype: str) -> Scalar:
    """Return a scalar of exactly this dtype, so that no engine widens a float32 graph."""
    scalar: Scalar = np.dtype(dtype).type(value)
    return scalar


def weighted(
    bias: Tensor, weights: Sequence[Tensor], signals: Sequence[Tensor | float], dtype: str
) -> Tensor:
    """Pre-activation of one unit: its bias plus weights times signals, in their order.

    Notes
    -----
    Signals that are Python floats are known when the graph is built and fold away: a zero costs
    nothing and a one no product. Patterns that agree in their first inputs share those partial
    sums once the compiler merges equal terms.
    """
    z = bias
    for weight, signal in zip(weights, signals, strict=True):
        if not isinstance(signal, float):
            z = z + weight * signal
        elif signal == 1:
            z = z + weight
        elif signal == -1:
            z = z - weight
        elif signal != 0:
            z = z + weight * constant(signal, dtype)
    return z


def cut(T: Namespace, tensor: Tensor, bounds: tuple[float, float], dtype: str) -> Tensor:
    """Bring what is outside of two bounds to the nearer one."""
    low, high = (constant(bound, dtype) for bound in bounds)
    return T.minimum(T.maximum(tensor, low), high)


def largest(T: Namespace, terms: Sequence[Tensor]) -> Tensor:
    """Elementwise maximum of a list."""
    value = terms[0]
    for term in terms[1:]:
        value = T.maximum(value, term)
    return value


def total(terms: Sequence[Tensor]) -> Tensor:
    """Sum of a list."""
    value = terms[0]
    for term in terms[1:]:
        value = value + term
    return value


def conjunction(T: Namespace, terms: Sequence[Tensor]) -> Tensor:
    """Elementwise "and" of a list."""
    value = terms[0]
    for term in terms[1:]:
        value = T.and_(value, term)
    return value
