"""The symbolic network: parameters, activations and loss, written once for every engine.

Every function that takes ``T`` builds a graph from that tensor namespace (``pytensor.tensor`` or
``theano.tensor``), so that both engines compile the very same expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Tensor = Any  # a symbolic variable of whichever engine is in use


@dataclass(frozen=True)
class Architecture:
    """Shape and non-linearities of a fully connected network.

    Notes
    -----
    Layer ``l`` computes ``f(W_l a + b_l)`` with ``W_l`` of shape (units, inputs of the layer). With
    ``skip`` the last layer's inputs are the last hidden layer's units followed by the network's
    inputs, so its weight matrix has that many columns more.
    """

    n_inputs: int
    """Inputs of the network."""
    hidden: tuple[int, ...]
    """Units per hidden layer; empty for a single layer."""
    n_outputs: int
    """Units of the output layer."""
    activation: str
    """Non-linearity of the hidden units."""
    output: str
    """Non-linearity of the output units."""
    skip: bool = False
    """Whether the inputs also feed the output units."""

    @property
    def title(self) -> str:
        """What it is called: its numbers of units, as in ``2-2-1``."""
        return "-".join(str(n) for n in (self.n_inputs, *self.hidden, self.n_outputs))

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(units, inputs) of every layer, the output layer last."""
        widths = (self.n_inputs, *self.hidden, self.n_outputs)
        layers = list(zip(widths[1:], widths[:-1], strict=True))
        if self.skip and self.hidden:
            units, inputs = layers[-1]
            layers[-1] = (units, inputs + self.n_inputs)
        return tuple(layers)

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(units * (inputs + 1) for units, inputs in self.layers)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Column names in storage order: ``W1[unit,input]`` by rows, ``b1[unit]``, ``W2``, ..."""
        names: list[str] = []
        for layer, (units, inputs) in enumerate(self.layers, start=1):
            names += [f"W{layer}[{j},{i}]" for j in range(units) for i in range(inputs)]
            names += [f"b{layer}[{j}]" for j in range(units)]
        return tuple(names)

    def blocks(self) -> list[tuple[slice, tuple[int, ...]]]:
        """Rows and shape of each weight matrix and bias vector in a stacked parameter vector."""
        blocks: list[tuple[slice, tuple[int, ...]]] = []
        row = 0
        for units, inputs in self.layers:
            for shape in ((units, inputs), (units,)):
                size = int(np.prod(shape))
                blocks.append((slice(row, row + size), shape))
                row += size
        return blocks


def constant(value: float, dtype: str) -> Any:
    """Return a scalar of exactly this dtype, so that no engine widens a float32 graph."""
    return np.dtype(dtype).type(value)


def weighted(bias: Tensor, weights: Sequence[Tensor], signals: Sequence[Any], dtype: str) -> Tensor:
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


def activate(T: Any, kind: str, z: Tensor, dtype: str) -> Tensor:
    """Apply an elementwise non-linearity.

    Notes
    -----
    The logistic function is written ``1/2 + tanh(z/2)/2``: the same function, one rational
    approximation instead of an exponential and a division, and its derivative reuses the tanh.
    """
    if kind == "sigmoid":
        half = constant(0.5, dtype)
        return half + half * T.tanh(half * z)
    if kind == "tanh":
        return T.tanh(z)
    if kind == "relu":
        return T.switch(T.gt(z, constant(0, dtype)), z, constant(0, dtype))
    if kind == "step":
        return T.cast(T.gt(z, constant(0, dtype)), dtype)
    return z  # linear


def softmax(T: Any, scores: Sequence[Tensor]) -> list[Tensor]:
    """Softmax over a list of tensors, one per class, shifted by the largest score."""
    highest = largest(T, scores)
    powers = [T.exp(score - highest) for score in scores]
    scale = total(powers)
    return [power / scale for power in powers]


def largest(T: Any, terms: Sequence[Tensor]) -> Tensor:
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


@dataclass(frozen=True)
class LossKind:
    """Which loss, and how it is reduced over patterns and outputs."""

    kind: str
    """``cross-entropy``, ``squared-error``, or ``model`` for a user's own."""
    reduction: str
    """``mean``, ``sum`` or ``half-sum``."""

    def factor(self, architecture: Architecture, n_patterns: int) -> float:
        """Return what a summed term is multiplied by.

        Notes
        -----
        Categorical cross-entropy (softmax output) has one term per pattern; every other loss has
        one per pattern and output.
        """
        if self.reduction == "sum":
            return 1.0
        if self.reduction == "half-sum":
            return 0.5
        categorical = self.kind == "cross-entropy" and architecture.output == "softmax"
        return 1.0 / (n_patterns * (1 if categorical else architecture.n_outputs))

    def term(self, T: Any, output: str, z: Tensor, y: Tensor, t: Tensor, dtype: str) -> Tensor:
        """Loss of one output on one pattern, before the factor; softmax has its own below."""
        if self.kind == "squared-error":
            return (y - t) ** 2
        zero = constant(0, dtype)
        return T.maximum(z, zero) - t * z + T.log1p(T.exp(-abs(z)))

    def categorical(self, T: Any, z: Sequence[Tensor], t: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of one pattern's softmax scores, before the factor."""
        highest = largest(T, z)
        log_scale = highest + T.log(total([T.exp(score - highest) for score in z]))
        return log_scale - total([ti * zi for ti, zi in zip(t, z, strict=True)])

    def seeds(
        self, pre: Sequence[Tensor], out: Sequence[Tensor], targets: Sequence[Tensor], factor: Any
    ) -> list[tuple[Tensor, Tensor]]:
        """Where back-propagation starts: (tensor, derivative of the loss by it).

        Notes
        -----
        For cross-entropy both the logistic and the softmax output give ``factor * (y - t)`` at the
        pre-activation, exactly; starting there spares the logarithms and never divides by zero.
        """
        if self.kind == "cross-entropy":
            errors = zip(pre, out, targets, strict=True)
            return [(z, factor * (y - t)) for z, y, t in errors]
        return [(y, (factor + factor) * (y - t)) for y, t in zip(out, targets, strict=True)]
