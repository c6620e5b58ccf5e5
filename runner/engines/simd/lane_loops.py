"""Loops and memory of a program that is written by hand: of numbers that only it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

from runner.engines.simd.function_frame import Frame
from runner.engines.simd.type_aliases import Pointer, Value
from runner.engines.simd.vectors import I64, Vectors

FLOAT64, BOOL = "float64", "bool"

_VECTOR_BYTES = 8  # of a lane, whatever is in it


@dataclass(frozen=True)
class Rows:
    """Vectors in a program's scratch, one after the other: of float64, or masks of as many bits."""

    v: Vectors
    base: Pointer

    @classmethod
    def reserved(cls, frame: Frame, count: int, dtype: str = FLOAT64) -> Rows:
        """Rows of their own."""
        v = frame.vectors
        place = frame.reserve(count * v.width * _VECTOR_BYTES)
        return cls(v, v.entry.bitcast(place, ir.PointerType(v.type(dtype))))

    def load(self, index: Value) -> Value:
        """Read one."""
        value = self.v.builder.load(self.v.builder.gep(self.base, [index]))
        value.align = _VECTOR_BYTES
        return value

    def store(self, value: Value, index: Value) -> None:
        """Write one."""
        self.v.builder.store(value, self.v.builder.gep(self.base, [index])).align = _VECTOR_BYTES


def each(
    v: Vectors,
    count: Value,
    begun: Sequence[Value],
    write: Callable[[Value, Sequence[Value]], list[Value]],
    goes_on: Callable[[Sequence[Value]], Value] | None = None,
) -> list[Value]:
    """Write a loop of so many rounds, perhaps none, that carries values; return the last.

    ``write`` gets the round's number and what is carried, and returns what the next round gets.
    ``goes_on``, if given, writes before each round whether there is one, from what is carried.
    """
    b = v.builder
    before = b.block
    names = ("each", "inside", "after")
    head, inside, after = (b.function.append_basic_block(name) for name in names)
    b.branch(head)
    b.position_at_end(head)
    number = b.phi(I64)
    carried = [b.phi(value.type) for value in begun]
    for phi, value in zip((number, *carried), (I64(0), *begun), strict=True):
        phi.add_incoming(value, before)
    more = b.icmp_signed("<", number, count)
    if goes_on is not None:
        more = b.and_(more, goes_on(carried))
    b.cbranch(more, inside, after)
    b.position_at_end(inside)
    found = write(number, carried)
    for phi, value in zip((number, *carried), (b.add(number, I64(1)), *found), strict=True):
        phi.add_incoming(value, b.block)
    b.branch(head)
    b.position_at_end(after)
    return carried


def table_of(v: Vectors, numbers: Sequence[int]) -> Pointer:
    """Integers that a program holds: a pointer to an array of them."""
    content = ir.Constant(ir.ArrayType(I64, len(numbers)), list(numbers))
    table = ir.GlobalVariable(v.module, content.type, v.module.get_unique_name("places"))
    table.global_constant, table.initializer = True, content
    return table
