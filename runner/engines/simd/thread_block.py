"""The threads of one block of a GPU, which compute a restart together.

What can be seen by others is written in loops whose rounds they share out; at the end of each they
wait for each other. Everything else, such as the sum that becomes one number, every thread does
by itself and alike, so all of them go the same way through the program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from llvmlite import ir

from runner.engines.simd.type_aliases import Builder, Value

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_NVVM = "llvm.nvvm."

MOST_THREADS = 256
"""Of a block: beyond, most threads would wait for the narrow steps of a network."""

_WARP = 32  # threads that a GPU runs in step
_AXES = 2  # of a product


class ThreadBlock:
    """Which thread of its block, and which block, runs the program.

    Parameters
    ----------
    module : ir.Module
    entry : IRBuilder
        Writes what runs once, at the beginning.
    """

    def __init__(self, module: ir.Module, entry: Builder) -> None:
        self._barrier = ir.Function(module, ir.FunctionType(ir.VoidType(), []), _NVVM + "barrier0")
        names = ("tid.x", "ntid.x", "ctaid.x")
        self._thread, self._threads, self.block = (_special(module, entry, name) for name in names)
        self.widest = 1
        """Rounds of the longest loop that is shared out."""

    def is_first(self, b: Builder) -> Value:
        """Whether this is the first thread of its block."""
        return b.icmp_unsigned("==", self._thread, _I32(0))

    def wait(self, b: Builder) -> None:
        """Wait until all threads of the block are here, and what they have written is seen."""
        b.call(self._barrier, [])

    def share(self, b: Builder, count: int, write: Callable[[Value], None]) -> None:
        """Write a loop whose rounds the threads share out; ``write`` gets the round's number.

        Threads that follow each other have rounds that follow each other, so what they read and
        write lies side by side.
        """
        self.widest = max(self.widest, count)
        before, function = b.block, b.function
        names = ("share", "round", "shared")
        head, inside, after = (function.append_basic_block(name) for name in names)
        b.branch(head)
        b.position_at_end(head)
        number = b.phi(_I32)
        number.add_incoming(self._thread, before)
        b.cbranch(b.icmp_unsigned("<", number, _I32(count)), inside, after)
        b.position_at_end(inside)
        write(number)
        number.add_incoming(b.add(number, self._threads), b.block)
        b.branch(head)
        b.position_at_end(after)
        self.wait(b)


def index(b: Builder, number: Value, shape: Sequence[int]) -> list[Value]:
    """Where the number-th element of a shape is, in C order."""
    places: list[Value] = []
    for n in reversed(shape):
        inside = number if n > 1 else _I32(0)
        if n > 1 and len(places) < len(shape) - 1:
            inside, number = b.urem(number, _I32(n)), b.udiv(number, _I32(n))
        places.append(b.zext(inside, _I64))
    return places[::-1]


def tile_of(shape: Sequence[int]) -> tuple[int, ...]:
    """How many places of each axis of a product one thread computes, in registers.

    A thread of a tile of 4 by 4 reads 8 numbers for 16 products, one of a single place 2 for one;
    but no thread shall be without a tile.
    """
    for size in (4, 2):
        tile = tuple(min(size, n) for n in shape)
        if len(shape) == _AXES and math.prod(shape) >= MOST_THREADS * math.prod(tile):
            return tile
    return (1,) * len(shape)


def threads_of(widest: int) -> int:
    """How many threads a block has whose longest loop has so many rounds.

    Counted, not measured: a thread has two rounds of the longest loop, and others fewer.
    """
    return min(MOST_THREADS, max(1, -(-widest // (2 * _WARP))) * _WARP)


def _special(module: ir.Module, entry: Builder, name: str) -> Value:
    """What a special register of the GPU holds, 32 bits."""
    kind = ir.FunctionType(_I32, [])
    return entry.call(ir.Function(module, kind, f"{_NVVM}read.ptx.sreg.{name}"), [])
