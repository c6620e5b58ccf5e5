"""The state of a program's lanes that outlives a refill: their columns, and steps left."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from runner.engines.simd.function_frame import Frame
from runner.engines.simd.type_aliases import Pointer, Variable
from runner.engines.simd.vectors import CACHE_LINE, I64


@dataclass(frozen=True)
class LaneState:
    """Variables of the program in which it remembers what its lanes do."""

    column: Pointer
    """Array: the column of every lane, or -1."""
    steps_left: Pointer
    """Array: how many steps that column has left."""
    others: list[Pointer]
    """Vectors: the outputs that are not carried, of the last attempt; first, which lanes halt."""
    variables: list[Variable]
    """What those are."""
    next_column: Pointer
    """The next column to be given a lane."""
    steps_taken: Pointer
    """Steps since the last refill."""
    steps_to_take: Pointer
    """Steps until the next refill."""


def declare(frame: Frame, others: list[Variable]) -> LaneState:
    """Declare the variables; in the beginning no lane has a column."""
    entry, n = frame.vectors.entry, frame.vectors.width
    column, left = (entry.alloca(ir.ArrayType(I64, n)) for _ in range(2))
    left.align = CACHE_LINE  # LLVM then aligns what it puts on the stack itself, too
    places = [entry.alloca(frame.vectors.stored_type(x.type.dtype)) for x in others]
    following, taken, to_take = (entry.alloca(I64) for _ in range(3))
    if frame.vectors.thread_block:  # all of its threads see what one of them draws
        following = entry.bitcast(frame.reserve(8), ir.PointerType(I64))
    else:
        entry.store(I64(0), following)
    entry.store(I64(0), taken)
    entry.store(ir.Constant(ir.ArrayType(I64, n), [-1] * n), column)
    return LaneState(column, left, places, others, following, taken, to_take)
