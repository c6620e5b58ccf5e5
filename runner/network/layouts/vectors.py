"""Every number of a restart as an element of a vector over restarts: an elementwise step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.network.layouts.base import PackedLayout
from runner.network.tensors import Namespace, Scalar, Tensor, conjunction, constant, largest, total


class VectorLayout(PackedLayout):
    """Each parameter, output and target is one vector over lanes."""

    @property
    def n_tensors(self) -> int:
        return self.network.n_parameters

    @property
    def trained(self) -> list[bool]:
        return [bool(each) for each in self.network.trained]

    @property
    def biases(self) -> list[bool]:
        return [bool(each) for each in self.network.biases]

    def unpack(self, T: Namespace, rows: Tensor) -> list[Tensor]:
        return [rows[i] for i in range(self.network.n_parameters)]

    def pack(self, T: Namespace, parameters: Sequence[Tensor]) -> Tensor:
        return T.stack(list(parameters))

    def unpack_targets(self, T: Namespace, rows: Tensor) -> list[Tensor]:
        return [rows[i] for i in range(len(self.patterns) * self.network.n_outputs)]

    def pack_outputs(self, T: Namespace, outputs: Sequence[Tensor]) -> Tensor:
        return T.stack(list(outputs))

    def spread(self, T: Namespace, vector: Tensor, tensor: Tensor) -> Tensor:
        return vector

    def add(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        return total(tensors)

    def highest(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        return largest(T, tensors)

    def every(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        return conjunction(T, tensors)

    def per_output(self, values: Sequence[float]) -> Sequence[np.ndarray | Scalar]:
        return [constant(v, self.dtype) for v in values] * len(self.patterns)

    def by_output(self, tensors: Sequence[Tensor]) -> list[list[Tensor]]:
        n = self.network.n_outputs
        return [list(tensors[output::n]) for output in range(n)]
