"""A custom model's tensors: its function is called with vectors over lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from runner.errors.messages import shown
from runner.network.architecture import Network
from runner.network.custom.execution import RETURNS, WrongReturn, errors_explained, load_function
from runner.network.custom.model import CustomModel
from runner.network.layouts.vectors import VectorLayout
from runner.network.loss_kind import LossKind
from runner.network.tensors import Namespace, Tensor


class CustomVectors(VectorLayout):
    """Vectors over lanes whose outputs and loss a user's function makes.

    Notes
    -----
    The function makes the loss along with the outputs, so `forward` returns the loss where layouts
    of layers return pre-activations.
    """

    def __init__(
        self, network: Network, patterns: np.ndarray, loss: LossKind | None, dtype: str
    ) -> None:
        super().__init__(network, patterns, loss, dtype)
        if not isinstance(network, CustomModel):
            message = f"{network.title} has no function of its own"
            raise TypeError(message)
        self.model: CustomModel = network

    @property
    def factor(self) -> float:
        return 1.0

    def forward(
        self, T: Namespace, parameters: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        function = load_function(self.model)
        n_patterns, n_outputs = len(self.patterns), self.model.n_outputs
        inputs = tuple(tuple(float(x) for x in pattern) for pattern in self.patterns)
        wanted = tuple(
            tuple(targets[p * n_outputs : (p + 1) * n_outputs]) for p in range(n_patterns)
        )
        with errors_explained(self.model):
            result = function(T, self._by_name(parameters), inputs, wanted)
            if not isinstance(result, tuple) or len(result) != 2:
                raise WrongReturn(f"what it returns is {_described(result)}", RETURNS)
            loss, outputs = result
            shape = _row_lengths(outputs)
            if shape != [n_outputs] * n_patterns:
                state = _described(outputs) if shape is None else f"in rows of {shown(shape)}"
                rule = f"a row for each of the {n_patterns:,} patterns with {n_outputs:,} in each"
                raise WrongReturn(f"outputs is {state}", rule)
            named = {"loss": loss} | {
                f"outputs[{p}][{o}]": y for p, row in enumerate(outputs) for o, y in enumerate(row)
            }
            vectors = [self._vector(T, name, tensor) for name, tensor in named.items()]
        return vectors[:1], vectors[1:]

    def _by_name(self, parameters: Sequence[Tensor]) -> Mapping[str, np.ndarray]:
        """Arrays of vectors over lanes, as the function reaches them."""
        named = {}
        for (name, _), (rows, shape) in zip(self.model.shapes, self.model.blocks(), strict=True):
            array = np.empty(rows.stop - rows.start, object)
            for place, row in enumerate(range(rows.start, rows.stop)):
                array[place] = parameters[row]
            named[name] = array.reshape(shape)
        return named

    def _vector(self, T: Namespace, name: str, tensor: Tensor) -> Tensor:
        """Return what the function made as a vector over lanes of the right dtype."""
        vector = T.as_tensor_variable(tensor)
        if vector.ndim != 1:
            state = f"{name} has {vector.ndim} dimensions"
            raise WrongReturn(state, "a vector over lanes, made of the parameters")
        return T.cast(vector, self.dtype)

    def loss(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        return pre[0]

    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> list[tuple[Tensor, Tensor]]:
        return [(pre[0], T.ones_like(pre[0]))]


def _row_lengths(outputs: object) -> list[int] | None:
    """Items of each row; None if there are no rows. A row that has no items counts as -1."""
    if not isinstance(outputs, list | tuple | np.ndarray):
        return None
    return [len(row) if isinstance(row, list | tuple | np.ndarray) else -1 for row in outputs]


def _described(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
