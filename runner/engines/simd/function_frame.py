"""The function around a graph's instructions: its arguments, the caller's arrays, its scratch.

A program is one function, ``run(sources, targets, numbers..., scratch)``. ``sources`` and
``targets`` are tables of addresses: where each row of the caller's inputs and outputs begins. The
scratch begins with one block of lanes of every input row; a program that needs more memory
reserves it behind that.

In a program for threads (`runner.engines.simd.control_flow.until_done`) a counter that all threads
share takes the place of the scratch, which lies on each thread's own stack. One for blocks of
threads has it before the scratch, of which every block has a part of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from llvmlite import ir
from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.artifact import FOR_GPU, Kind
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.registers import Registers
from runner.engines.simd.thread_block import ThreadBlock
from runner.engines.simd.type_aliases import Block, Builder, Pointer, Value, Variable
from runner.engines.simd.vectors import CACHE_LINE, DTYPES, I64, NAME, TYPES, Vectors

I8 = ir.IntType(8)
TABLE = ir.PointerType(I64)
"""Where a program finds addresses."""

_WIDEST = 8  # bytes of the widest number

_NUMBERS: dict[Kind, int] = {
    "function": 1,
    "loop": 3,
    "recording": 4,
    "threads": 3,
    "blocks": 5,
}
"""Arguments between the tables and the last one: how many columns; of loops, where their steps and
limits are; of those that record, what `runner.engines.simd.lane_recording` is told; of blocks,
where the counter is, and the bytes of one block's scratch."""

_COUNTER = 3


@dataclass(frozen=True)
class Run:
    """Rows of one dtype, one after the other, and where their block of lanes lies."""

    dtype: str
    """Of all of them."""
    first: int
    """The first row."""
    rows: int
    """How many they are."""
    offset: int
    """Bytes from the beginning of the scratch to that of the area it lies in."""
    row_bytes: int
    """From one row to the next."""


class Frame:
    """The function of a program, while it is written.

    Parameters
    ----------
    graph : FunctionGraph
        What the program computes.
    kind : str
        The program's.
    n_rows : callable
        How many rows of the caller's arrays a variable has.
    block_bytes : int
        Bytes of one variable of the widest dtype in a block of lanes; a GPU's programs have one
        lane.
    registers : Registers
        What it is written for.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        kind: Kind,
        n_rows: Callable[[Variable], int],
        block_bytes: int,
        registers: Registers,
    ) -> None:
        for variable in (*graph.inputs, *graph.outputs):
            if variable.type.dtype not in DTYPES:
                raise UnknownOperation(f"{variable.type}")
        self.graph, self.kind, self.n_rows = graph, kind, n_rows
        widest = int(max(np.dtype(v.type.dtype).itemsize for v in graph.inputs))
        if self.is_for_gpu:
            block_bytes = widest
        width = block_bytes // widest
        module = ir.Module("lanes")
        arguments = (TABLE, TABLE, *[I64] * (_NUMBERS[kind] + 1))
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), NAME)
        self.sources, self.targets, *self.numbers, self._memory = self.function.args
        self._areas: dict[int, Pointer] = {}  # on the stack, by the offset in the scratch
        self.vectors = Vectors(module, self.block("entry"), width, block_bytes, registers)
        if kind == "blocks":
            self._divide_memory()
        self.scratch_bytes = 0
        """How much of the scratch is in use."""
        self.runs = self._runs()
        """All rows of the inputs, in order."""

    @property
    def is_for_gpu(self) -> bool:
        """Whether many threads run the program, and share a counter of columns."""
        return self.kind in FOR_GPU

    @property
    def counter(self) -> Value:
        """The address of that counter."""
        return self._memory if self.kind == "threads" else self.numbers[_COUNTER]

    def _divide_memory(self) -> None:
        """Have every block of threads use a part of the scratch that is its own."""
        b = self.vectors.entry
        threads = self.vectors.thread_block = ThreadBlock(self.vectors.module, b)
        begin = b.mul(b.zext(threads.block, I64), self.numbers[_COUNTER + 1])
        self._memory = b.add(self._memory, begin)

    def _runs(self) -> list[Run]:
        runs, first = [], 0
        for dtype, members in groupby(self.graph.inputs, lambda variable: variable.type.dtype):
            rows = sum(map(self.n_rows, members))
            row_bytes = self.vectors.width * np.dtype(dtype).itemsize
            runs.append(Run(dtype, first, rows, self._reserve(rows * row_bytes), row_bytes))
            first += rows
        return runs

    def block(self, name: str) -> Block:
        """A new basic block, still empty."""
        return self.function.append_basic_block(name)

    def first_rows(self, variables: Sequence[Variable]) -> list[int]:
        """The first row of each of some variables that follow each other."""
        return [0, *itertools.accumulate(map(self.n_rows, variables))][:-1]

    def places(self) -> list[Pointer]:
        """Where the block of lanes of each input begins."""
        b, inputs = self.vectors.entry, self.graph.inputs
        places = []
        for variable, first in zip(inputs, self.first_rows(inputs), strict=True):
            run = next(r for r in self.runs if r.first <= first < r.first + r.rows)
            kind = self.vectors.stored_type(variable.type.dtype)
            into = I64((first - run.first) * run.row_bytes)
            places.append(self._pointer(b, run.offset, into, kind))
        return places

    def reserve(self, n_bytes: int) -> Pointer:
        """A pointer to bytes of the scratch that nothing else uses."""
        offset = self._reserve(n_bytes)
        return self._pointer(self.vectors.entry, offset, I64(0), I8)

    def _reserve(self, n_bytes: int) -> int:
        offset = self.scratch_bytes
        # and some lines more: what begins at equal places of pages would compete for the cache
        self.scratch_bytes += (-(-n_bytes // CACHE_LINE) + 5) * CACHE_LINE
        if self.kind == "threads":
            area = self.vectors.entry.alloca(ir.ArrayType(I8, n_bytes))
            area.align = _WIDEST
            self._areas[offset] = area
        return offset

    def _pointer(self, b: Builder, offset: int, into: Value, kind: ir.Type) -> Pointer:
        """A pointer to a place so many bytes into the area of the scratch that has an offset."""
        if self.kind == "threads":
            return b.bitcast(b.gep(self._areas[offset], [I64(0), into]), ir.PointerType(kind))
        address = b.add(self._memory, b.add(I64(offset), into))
        return b.inttoptr(address, ir.PointerType(kind))

    def lanes_of(self, run: Run, row: Value) -> Pointer:
        """Where a row's block of lanes lies: a pointer to a vector."""
        b = self.vectors.builder
        kind = self.vectors.stored_type(run.dtype)
        return self._pointer(b, run.offset, b.mul(row, I64(run.row_bytes)), kind)

    def base(self, table: Pointer, row: Value) -> Value:
        """Where a row begins in the caller's arrays: an address, still a number."""
        b = self.vectors.builder
        return b.load(b.gep(table, [row]))

    def cell(self, base: Value, column: Value, dtype: str) -> Pointer:
        """Where a column's number lies in a row that begins at an address."""
        b = self.vectors.builder
        kind = I8 if dtype == "bool" else TYPES[dtype]
        return b.gep(b.inttoptr(base, ir.PointerType(kind)), [column])

    def lanes_in(self, table: Pointer, row: Value, first: Value, dtype: str) -> Pointer:
        """Where the lanes from ``first`` on lie in a row of the caller's: a pointer to a vector."""
        cell = self.cell(self.base(table, row), first, dtype)
        return self.vectors.builder.bitcast(cell, ir.PointerType(self.vectors.stored_type(dtype)))
