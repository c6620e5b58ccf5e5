"""The buffers of a nested graph: which matrix in memory holds each of its variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.fusion import Fusion
from runner.engines.simd.memory import Matrix, Memory, static_shape
from runner.engines.simd.type_aliases import Pointer, Variable
from runner.engines.simd.vectors import Vectors


class Buffers:
    """The matrices of a graph, by variable.

    Parameters
    ----------
    graph : FunctionGraph
        Its variables have static shapes.
    vectors : Vectors
        Where they stand, instructions are written.
    inputs : sequence of Matrix
        Where each input of the graph lies.
    reserve : callable
        Gives a pointer to so many bytes that are not used otherwise.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        vectors: Vectors,
        inputs: Sequence[Matrix],
        reserve: Callable[[int], Pointer],
    ) -> None:
        self.vectors, self.memory, self.fusion = vectors, Memory(vectors, reserve), Fusion(graph)
        self._places = dict(zip(graph.inputs, inputs, strict=True))

    def at(self, variable: Variable) -> Matrix:
        """Where a variable lies; a constant is put there now."""
        if variable not in self._places:
            self._places[variable] = self.memory.constant(variable.data)
        return self._places[variable]

    def has(self, variable: Variable) -> bool:
        """Whether it is known where a variable lies."""
        return variable in self._places

    def put(self, variable: Variable, place: Matrix) -> None:
        """Note where a variable lies."""
        self._places[variable] = place

    def new(self, variable: Variable) -> Matrix:
        """A matrix of the variable's shape and dtype, with nothing in it yet."""
        return self.memory.new(static_shape(variable), variable.type.dtype)

    def running(self, dtype: str, value: float) -> Pointer:
        """A variable of the program that LLVM keeps in a register: a sum while it is taken."""
        place = self.vectors.entry.alloca(self.vectors.type(dtype))
        self.vectors.builder.store(self.vectors.splat(value, dtype), place)
        return place
