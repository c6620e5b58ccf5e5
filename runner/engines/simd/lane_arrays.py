"""Arrays of a program that have a vector of lanes in every place, and sums over them."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from runner.engines.simd.lane_loops import each
from runner.engines.simd.memory import Matrix, Memory
from runner.engines.simd.type_aliases import Value
from runner.engines.simd.vectors import I64, Vectors

FLOAT = "float64"


class LaneArrays:
    """Writes what algorithms on such arrays need.

    Parameters
    ----------
    vectors : Vectors
    memory : Memory
    """

    def __init__(self, vectors: Vectors, memory: Memory) -> None:
        self.vectors = vectors
        self._memory = memory

    @property
    def wholes(self) -> ir.VectorType:
        """A block of lanes of whole numbers."""
        return ir.VectorType(I64, self.vectors.width)

    def new(self, *shape: int) -> Matrix:
        """A new array."""
        return self._memory.new(shape, FLOAT)

    def number(self, value: float) -> Value:
        """A number in every lane."""
        return self.vectors.splat(value, FLOAT)

    def load(self, array: Matrix, *index: Value) -> Value:
        """Read the vector in a place."""
        return self._memory.load(array, index)

    def store(self, value: Value, array: Matrix, *index: Value) -> None:
        """Write the vector in a place."""
        self._memory.store(value, array, index)

    def update(self, array: Matrix, *index: Value, by: Callable[[Value], Value]) -> None:
        """Write in a place what ``by`` makes of the vector there."""
        self.store(by(self.load(array, *index)), array, *index)

    def sum(self, count: int | Value, add: Callable[[Value, Value], Value]) -> Value:
        """Begin with 0, and let ``add`` make a new sum of the last one and each round's number."""
        return self.carry(count, self.number(0.0), add)

    def carry(
        self, count: int | Value, begun: Value, write: Callable[[Value, Value], Value]
    ) -> Value:
        """Let ``write`` make what is carried of the last one and each round's number, if any."""
        n = I64(count) if isinstance(count, int) else count
        (last,) = each(self.vectors, n, [begun], lambda k, carried: [write(carried[0], k)])
        return last
