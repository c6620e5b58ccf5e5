"""How the restarts of one network are laid out in tensors (another way: `runner.network.trusted`).

`Lanes` keeps every single parameter as a vector over restarts and unrolls patterns, units and
inputs, so that a whole step is elementwise. Where that would make the graph too large, the weights
are whole matrices: `Stacked` has the restarts as leading axis and uses batched matrix products,
`Matrices` are those of one restart, of which SIMD code makes as many as a vector has lanes. `Lanes`
and `Stacked` read and write the same packed matrix of shape (rows, n_lanes), so nothing outside
this file depends on the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from runner.network.architecture import (
    Architecture,
    LossKind,
    Tensor,
    activate,
    constant,
    softmax,
    total,
    weighted,
)


class Layout(Protocol):
    """What a training step needs to know of a layout.

    A *group* is a list of tensors that together hold one number per parameter (or per pattern and
    output) and lane.
    """

    def unpack(self, T: Any, rows: Tensor) -> list[Tensor]:
        """Split packed parameter rows (n_parameters, n_lanes) into this layout's group."""
        raise NotImplementedError

    def pack(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        """Join a parameter group into rows (n_parameters, n_lanes)."""
        raise NotImplementedError

    def targets(self, T: Any, rows: Tensor) -> list[Tensor]:
        """Split packed targets (n_patterns * n_outputs, n_lanes) into this layout's group."""
        raise NotImplementedError

    def pack_outputs(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        """Join an output group into rows (n_patterns * n_outputs, n_lanes)."""
        raise NotImplementedError

    def forward(
        self, T: Any, group: Sequence[Tensor], targets: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return pre-activations and outputs of the output units, two groups.

        Only a user's own model asks for the targets, as it makes its loss along with its outputs.
        """

    def spread(self, T: Any, vector: Tensor, tensor: Tensor) -> Tensor:
        """Make a per-lane vector broadcast against one tensor of a group."""

    def add(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        """Sum a group to one number per lane."""

    def highest(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        """Reduce a group to its largest number per lane."""

    def every(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        """Reduce a group of booleans to one per lane."""

    def per_output(self, values: Sequence[float]) -> list[Any]:
        """Spread one constant per output over an output group."""

    def loss(
        self,
        T: Any,
        kind: LossKind,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        """Sum the loss terms to one number per lane, before the factor."""

    def seeds(
        self,
        T: Any,
        kind: LossKind,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
        factor: Any,
    ) -> list[tuple[Tensor, Tensor]]:
        """Where back-propagation starts: (tensor, derivative of the loss by it)."""
        return kind.seeds(pre, out, targets, factor)


@dataclass(frozen=True, eq=False)
class Lanes(Layout):
    """Every parameter a vector over restarts; see the module's docstring."""

    architecture: Architecture
    patterns: np.ndarray
    dtype: str

    def unpack(self, T: Any, rows: Tensor) -> list[Tensor]:
        return [rows[i] for i in range(self.architecture.n_parameters)]

    def pack(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        return T.stack(list(group))

    def targets(self, T: Any, rows: Tensor) -> list[Tensor]:
        return [rows[i] for i in range(len(self.patterns) * self.architecture.n_outputs)]

    def pack_outputs(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        return T.stack(list(group))

    def forward(
        self, T: Any, group: Sequence[Tensor], targets: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[Tensor]]:
        pre: list[Tensor] = []
        out: list[Tensor] = []
        for pattern in self.patterns:
            *_, (z, y) = self.layers(T, group, pattern)
            pre += z
            out += y
        return pre, out

    def layers(
        self, T: Any, group: Sequence[Tensor], pattern: Sequence[float]
    ) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """Yield the pre-activations and the outputs of every layer's units on one pattern."""
        net = self.architecture
        inputs = [float(x) for x in pattern]
        signals: list[Any] = list(inputs)
        row = 0
        for layer, (units, fan_in) in enumerate(net.layers):
            last = layer == len(net.layers) - 1
            if last and net.skip and net.hidden:
                signals = signals + inputs
            weights = group[row : row + units * fan_in]
            biases = group[row + units * fan_in : row + units * (fan_in + 1)]
            row += units * (fan_in + 1)
            z = [
                weighted(biases[j], weights[j * fan_in : (j + 1) * fan_in], signals, self.dtype)
                for j in range(units)
            ]
            kind = net.output if last else net.activation
            if kind == "softmax":
                signals = softmax(T, z)
            else:
                signals = [activate(T, kind, zj, self.dtype) for zj in z]
            yield z, signals

    def spread(self, T: Any, vector: Tensor, tensor: Tensor) -> Tensor:
        return vector

    def add(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        return total(group)

    def highest(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        value = group[0]
        for tensor in group[1:]:
            value = T.maximum(value, tensor)
        return value

    def every(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        value = group[0]
        for tensor in group[1:]:
            value = T.and_(value, tensor)
        return value

    def per_output(self, values: Sequence[float]) -> list[Any]:
        return [constant(v, self.dtype) for v in values] * len(self.patterns)

    def loss(
        self,
        T: Any,
        kind: LossKind,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        net = self.architecture
        if kind.kind == "cross-entropy" and net.output == "softmax":
            n = net.n_outputs
            starts = range(0, len(pre), n)
            return total([kind.categorical(T, pre[i : i + n], targets[i : i + n]) for i in starts])
        terms = zip(pre, out, targets, strict=True)
        return total([kind.term(T, net.output, z, y, t, self.dtype) for z, y, t in terms])


@dataclass(frozen=True, eq=False)
class Matrices(Layout):
    """Weight matrices of one restart, never packed; see the module's docstring."""

    architecture: Architecture
    patterns: np.ndarray
    dtype: str

    LEADING: ClassVar[int] = 0
    """Axes in front of those of one restart."""

    def forward(
        self, T: Any, group: Sequence[Tensor], targets: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[Tensor]]:
        net = self.architecture
        patterns = T.constant(self._led(self.patterns.astype(self.dtype)))
        signals = patterns
        z = patterns
        for layer in range(len(net.layers)):
            weights, biases = group[2 * layer], group[2 * layer + 1]
            last = layer == len(net.layers) - 1
            z = self._repeated(T, biases)
            if last and net.skip and net.hidden:
                n = net.hidden[-1]
                z = z + T.matmul(signals, self._turned(weights[..., :n]))
                z = z + T.matmul(patterns, self._turned(weights[..., n:]))
            else:
                z = z + T.matmul(signals, self._turned(weights))
            if not last:
                signals = activate(T, net.activation, z, self.dtype)
        if net.output != "softmax":
            return [z], [activate(T, net.output, z, self.dtype)]
        classes = softmax(T, self._classes(z))
        return [z], [T.stack(classes, axis=self.LEADING + 1)]

    def _led(self, matrix: np.ndarray) -> np.ndarray:
        """Give a constant axes in front."""
        return matrix[(np.newaxis,) * self.LEADING]

    def _turned(self, weights: Tensor) -> Tensor:
        """Transpose matrices."""
        first = self.LEADING
        return weights.dimshuffle(*range(first), first + 1, first)

    def _repeated(self, T: Any, biases: Tensor) -> Tensor:
        """Make biases a row for every pattern, or a row that is added to each."""
        return biases.dimshuffle("x", 0)

    def _classes(self, tensor: Tensor) -> list[Tensor]:
        return [tensor[..., o] for o in range(self.architecture.n_outputs)]

    def spread(self, T: Any, vector: Tensor, tensor: Tensor) -> Tensor:
        return vector.dimshuffle(*range(self.LEADING), *["x"] * (tensor.ndim - self.LEADING))

    def add(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        return total([self._sum(tensor) for tensor in group])

    def _sum(self, tensor: Tensor) -> Tensor:
        return tensor.sum(axis=self._own_axes(tensor), acc_dtype=self.dtype)

    def _own_axes(self, tensor: Tensor) -> tuple[int, ...]:
        """Return the axes of one restart."""
        return tuple(range(self.LEADING, tensor.ndim))

    def highest(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        value = None
        for tensor in group:
            peak = tensor.max(axis=self._own_axes(tensor))
            value = peak if value is None else T.maximum(value, peak)
        return value

    def every(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        value = None
        for tensor in group:
            held = T.all(tensor, axis=self._own_axes(tensor))
            value = held if value is None else T.and_(value, held)
        return value

    def per_output(self, values: Sequence[float]) -> list[Any]:
        return [self._led(np.asarray(values, self.dtype)[np.newaxis, :])]

    def loss(
        self,
        T: Any,
        kind: LossKind,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        (z,), (y,), (t,) = pre, out, targets
        if kind.kind == "cross-entropy" and self.architecture.output == "softmax":
            return self._sum(kind.categorical(T, self._classes(z), self._classes(t)))
        return self._sum(kind.term(T, self.architecture.output, z, y, t, self.dtype))


@dataclass(frozen=True, eq=False)
class Stacked(Matrices):
    """Weight matrices with restarts as leading axis; see the module's docstring."""

    LEADING: ClassVar[int] = 1

    def _repeated(self, T: Any, biases: Tensor) -> Tensor:
        # By a product with ones: the gradient is then a matrix product too, which keeps the dtype
        # and does not depend on how an engine orders a reduction.
        ones = T.constant(self._led(np.ones((len(self.patterns), 1), self.dtype)))
        return T.matmul(ones, biases.dimshuffle(0, "x", 1))

    def unpack(self, T: Any, rows: Tensor) -> list[Tensor]:
        group = []
        for block, shape in self.architecture.blocks():
            axes = (len(shape), *range(len(shape)))
            group.append(rows[block].reshape((*shape, rows.shape[1])).dimshuffle(*axes))
        return group

    def pack(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        rows = []
        for tensor, (_, shape) in zip(group, self.architecture.blocks(), strict=True):
            axes = (*range(1, len(shape) + 1), 0)
            rows.append(tensor.dimshuffle(*axes).reshape((int(np.prod(shape)), tensor.shape[0])))
        return T.concatenate(rows, axis=0)

    def targets(self, T: Any, rows: Tensor) -> list[Tensor]:
        shape = (len(self.patterns), self.architecture.n_outputs, rows.shape[1])
        return [rows.reshape(shape).dimshuffle(2, 0, 1)]

    def pack_outputs(self, T: Any, group: Sequence[Tensor]) -> Tensor:
        (out,) = group
        size = len(self.patterns) * self.architecture.n_outputs
        return out.dimshuffle(1, 2, 0).reshape((size, out.shape[0]))


LAYOUTS: dict[str, type[Lanes | Matrices]] = {
    "lanes": Lanes,
    "matrices": Matrices,
    "stacked": Stacked,
}
"""Layouts by name."""
