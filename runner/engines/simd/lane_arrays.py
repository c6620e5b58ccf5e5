"""Arrays of a program that have a vector of lanes in every place, and loops over them."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from runner.engines.simd.memory import Matrix, Memory
from runner.engines.simd.type_aliases import Pointer, Value
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

    def cell(self, kind: ir.Type | None = None) -> Pointer:
        """A variable of the program, by default a vector; LLVM puts it into a register."""
        return self.vectors.entry.alloca(kind or self.vectors.type(FLOAT))

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
        b, total = self.vectors.builder, self.cell()
        b.store(self.number(0.0), total)
        self.vectors.repeat(count, lambda k: b.store(add(b.load(total), k), total))
        return b.load(total)

    def repeat_some(self, count: Value, write: Callable[[Value], None]) -> None:
        """Write a loop that may have no round."""
        b = self.vectors.builder
        with b.if_then(b.icmp_signed(">", count, I64(0))):
            self.vectors.repeat(count, write)
