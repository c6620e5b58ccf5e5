"""Weight matrices of one restart, of which vector code makes as many as a vector has lanes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from runner.network.layouts.layered import LayeredLayout
from runner.network.tensors import Namespace, Scalar, Tensor, conjunction, largest, total


class Matrices(LayeredLayout):
    """Weight matrices and bias vectors of one restart; never packed."""

    N_LEADING: ClassVar[int] = 0
    """Axes in front of those of one restart."""

    @property
    def n_tensors(self) -> int:
        return len(self.net.parameter_shapes)

    @property
    def trained(self) -> list[bool]:
        return [name not in self.net.frozen for name in self.net.array_names]

    @property
    def biases(self) -> list[bool]:
        return [name[0] == "b" for name in self.net.array_names]

    def layers(
        self, T: Namespace, parameters: Sequence[Tensor]
    ) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        net = self.net
        made = {-1: T.constant(self._led(np.asarray(self.patterns, self.dtype)))}
        for layer in range(len(net.layers)):
            weights = parameters[(1 + net.bias) * layer]
            terms = [self._repeated(T, parameters[2 * layer + 1])] if net.bias else []
            sources = net.sources(layer)
            for source in sources:
                own = weights if len(sources) == 1 else weights[..., net.columns(layer, source)]
                terms.append(T.matmul(made[source], self._transposed(own)))
            z = total(terms)
            made[layer] = self._activated(T, layer, z)
            yield [z], [made[layer]]

    def places(self, layer: int) -> slice:
        arrays = 1 + self.net.bias
        return slice(arrays * layer, arrays * (layer + 1))

    def _activated(self, T: Namespace, layer: int, z: Tensor) -> Tensor:
        activation = self.net.activation_of(layer)
        if activation.elementwise:
            (signals,) = activation.graph(T, [z], self.dtype)
            return signals
        return T.stack(activation.graph(T, self._columns(z), self.dtype), axis=self.N_LEADING + 1)

    def _led(self, matrix: np.ndarray) -> np.ndarray:
        """Give a constant axes in front."""
        return matrix[(np.newaxis,) * self.N_LEADING]

    def _transposed(self, weights: Tensor) -> Tensor:
        """Transpose matrices."""
        first = self.N_LEADING
        return weights.dimshuffle(*range(first), first + 1, first)

    def _repeated(self, T: Namespace, biases: Tensor) -> Tensor:
        """Make biases a row for every pattern, or a row that is added to each."""
        return biases.dimshuffle("x", 0)

    def _columns(self, tensor: Tensor) -> list[Tensor]:
        """Split an output tensor by outputs."""
        return [tensor[..., o] for o in range(self.net.n_outputs)]

    def spread(self, T: Namespace, vector: Tensor, tensor: Tensor) -> Tensor:
        return vector.dimshuffle(*range(self.N_LEADING), *["x"] * (tensor.ndim - self.N_LEADING))

    def add(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        return total([self._sum(tensor) for tensor in tensors])

    def _sum(self, tensor: Tensor) -> Tensor:
        return tensor.sum(axis=self._own_axes(tensor), acc_dtype=self.dtype)

    def _own_axes(self, tensor: Tensor) -> tuple[int, ...]:
        """Return the axes of one restart."""
        return tuple(range(self.N_LEADING, tensor.ndim))

    def highest(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        return largest(T, [tensor.max(axis=self._own_axes(tensor)) for tensor in tensors])

    def every(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        return conjunction(T, [T.all(tensor, axis=self._own_axes(tensor)) for tensor in tensors])

    def per_output(self, values: Sequence[float]) -> Sequence[np.ndarray | Scalar]:
        return [self._led(np.asarray(values, self.dtype)[np.newaxis, :])]

    def by_output(self, tensors: Sequence[Tensor]) -> list[list[Tensor]]:
        (tensor,) = tensors
        return [[column] for column in self._columns(tensor)]

    def loss(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        (z,), (y,), (t,) = pre, out, targets
        loss = self.terms
        if loss.is_joint(self.net.output):
            return self._sum(loss.joint_term(T, self._columns(z), self._columns(t)))
        return self._sum(loss.term(T, z, y, t, self.dtype))
