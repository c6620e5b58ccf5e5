"""Weight matrices with restarts as leading axis: for larger networks, by batched products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

import numpy as np

from runner.network.layouts.base import PackedLayout
from runner.network.layouts.matrices import Matrices
from runner.network.tensors import Namespace, Tensor


class Stacked(Matrices, PackedLayout):
    """Stacks of weight matrices and bias vectors, a lane each along the first axis."""

    N_LEADING: ClassVar[int] = 1

    def _repeated(self, T: Namespace, biases: Tensor) -> Tensor:
        # By a product with ones: the gradient is then a matrix product too, which keeps the dtype
        # and does not depend on how an engine orders a reduction.
        ones = T.constant(self._led(np.ones((len(self.patterns), 1), self.dtype)))
        return T.matmul(ones, biases.dimshuffle(0, "x", 1))

    def unpack(self, T: Namespace, rows: Tensor) -> list[Tensor]:
        tensors = []
        for block, shape in self.net.blocks():
            axes = (len(shape), *range(len(shape)))
            tensors.append(rows[block].reshape((*shape, rows.shape[1])).dimshuffle(*axes))
        return tensors

    def pack(self, T: Namespace, parameters: Sequence[Tensor]) -> Tensor:
        rows = []
        for tensor, shape in zip(parameters, self.net.parameter_shapes, strict=True):
            axes = (*range(1, len(shape) + 1), 0)
            rows.append(tensor.dimshuffle(*axes).reshape((prod(shape), tensor.shape[0])))
        return T.concatenate(rows, axis=0)

    def unpack_targets(self, T: Namespace, rows: Tensor) -> list[Tensor]:
        shape = (len(self.patterns), self.net.n_outputs, rows.shape[1])
        return [rows.reshape(shape).dimshuffle(2, 0, 1)]

    def pack_outputs(self, T: Namespace, outputs: Sequence[Tensor]) -> Tensor:
        (out,) = outputs
        size = len(self.patterns) * self.net.n_outputs
        return out.dimshuffle(1, 2, 0).reshape((size, out.shape[0]))
