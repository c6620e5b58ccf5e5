"""The loops around a graph's vector instructions: over blocks of lanes, and over steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from llvmlite import ir
from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.loop_nests import Nests
from runner.engines.simd.memory import static_shape
from runner.engines.simd.vectors import (
    BLOCK_BYTES,
    CACHE_LINE,
    DTYPES,
    I64,
    NAME,
    REGISTER_BYTES,
    TYPES,
    Vectors,
)

_I8 = ir.IntType(8)
_TABLE = ir.PointerType(I64)


@dataclass(frozen=True)
class Written:
    """A program for LLVM, and what has to be known to run it."""

    text: str
    """Of one function; see `once` and `until_done`."""
    width: int
    """Lanes of a block."""
    scratch_bytes: int
    """Bytes of memory that it needs."""
    n_rows: Callable[[Any], int]
    """How many rows of the caller's arrays a variable has."""


def once(graph: FunctionGraph, nested: bool = False) -> Written:
    """Write a program that computes a graph's outputs in every lane.

    Parameters
    ----------
    graph : FunctionGraph
        Elementwise, each variable a vector over lanes; or ``nested``, each variable a matrix of
        one restart, whose numbers are rows of vectors.
    nested : bool

    Returns
    -------
    Written
        ``run(inputs, outputs, n, scratch)``; n lanes, a positive multiple of the width.
    """
    return (_NestedOnce if nested else _Once)(graph).program


def until_done(graph: FunctionGraph, n_carried: int, nested: bool = False) -> Written:
    """Write a program that repeats a step in every column until it halts there.

    Parameters
    ----------
    graph : FunctionGraph
        A step, its inputs and outputs in the order of `runner.engines.simd.lowering.loop`.
    n_carried : int
        The first so many outputs take the place of the first inputs in the next step.
    nested : bool
        As in `once`.

    Returns
    -------
    Written
        ``run(inputs, outputs, n, steps, limit, scratch)``; n columns. The inputs that are carried
        and ``steps`` are overwritten.

    Notes
    -----
    A column is a restart, a lane a place for one. There is one block of lanes, which stays in
    registers, or next to them. When a lane's column halts, it is written back and the next one
    takes the lane, so that no lane waits for another.
    """
    return (_NestedUntilDone if nested else _UntilDone)(graph, n_carried).program


@dataclass(frozen=True)
class _Run:
    """Rows of one dtype, one after the other, and where their block of lanes lies."""

    dtype: str
    first: int  # row
    rows: int
    offset: int  # bytes from the beginning of the scratch
    row_bytes: int


class _Program:
    """What all programs have: tables of their rows, a block of lanes, and scratch behind it.

    Parameters
    ----------
    graph : FunctionGraph
    n_numbers : int
        Arguments of the function between its tables and its scratch.
    """

    nested = False
    """Whether variables are matrices, each number a row."""

    def __init__(self, graph: FunctionGraph, n_numbers: int) -> None:
        self.graph = graph
        for variable in (*graph.inputs, *graph.outputs):
            if variable.type.dtype not in DTYPES:
                raise UnknownOperation(f"{variable.type}")
        block_bytes = REGISTER_BYTES if self.nested else BLOCK_BYTES
        width = block_bytes // int(max(np.dtype(v.type.dtype).itemsize for v in graph.inputs))
        module = ir.Module("lanes")
        kind = ir.FunctionType(ir.VoidType(), (_TABLE, _TABLE, *[I64] * (n_numbers + 1)))
        self.function = ir.Function(module, kind, NAME)
        self.sources, self.targets, *self.numbers, self.scratch = self.function.args
        entry = self.function.append_basic_block("entry")
        self.v = Vectors(module, entry, width, block_bytes)
        self.reserved = 0  # bytes of the scratch
        self.runs: list[_Run] = []
        first = 0
        for dtype, members in groupby(graph.inputs, lambda variable: variable.type.dtype):
            rows, row_bytes = sum(map(self.n_rows, members)), width * np.dtype(dtype).itemsize
            self.runs.append(_Run(dtype, first, rows, self.reserved, row_bytes))
            first += rows
            self._reserve(rows * row_bytes)

    @property
    def program(self) -> Written:
        """What was written."""
        return Written(str(self.v.module), self.v.width, self.reserved, self.n_rows)

    @classmethod
    def n_rows(cls, variable: Any) -> int:
        """How many rows a variable has."""
        return math.prod(static_shape(variable)) if cls.nested else 1

    def first_rows(self, variables: Sequence[Any]) -> list[int]:
        """The first row of each of some variables that follow each other."""
        return [0, *itertools.accumulate(map(self.n_rows, variables))][:-1]

    def places(self) -> list[Any]:
        """Where the block of each input begins."""
        b = self.v.entry
        places = []
        for variable, first in zip(
            self.graph.inputs, self.first_rows(self.graph.inputs), strict=True
        ):
            run = next(r for r in self.runs if r.first <= first < r.first + r.rows)
            offset = run.offset + (first - run.first) * run.row_bytes
            kind = ir.PointerType(self.v.stored_type(variable.type.dtype))
            places.append(b.inttoptr(b.add(self.scratch, I64(offset)), kind))
        return places

    def reserve(self, n_bytes: int) -> Any:
        """A pointer to bytes of the scratch that nothing else uses."""
        b = self.v.entry
        offset = self._reserve(n_bytes)
        return b.inttoptr(b.add(self.scratch, I64(offset)), ir.PointerType(_I8))

    def _reserve(self, n_bytes: int) -> int:
        offset = self.reserved
        # and some lines more: what begins at equal places of pages would compete for the cache
        self.reserved += (-(-n_bytes // CACHE_LINE) + 5) * CACHE_LINE
        return offset

    def block(self, run: _Run, row: Any) -> Any:
        """Where a row's block of lanes lies: a pointer to a vector."""
        b = self.v.builder
        offset = b.add(I64(run.offset), b.mul(row, I64(run.row_bytes)))
        kind = ir.PointerType(self.v.stored_type(run.dtype))
        return b.inttoptr(b.add(self.scratch, offset), kind)

    def base(self, table: Any, row: Any) -> Any:
        """Where a row begins in the caller's arrays."""
        b = self.v.builder
        return b.load(b.gep(table, [row]))

    def cell(self, base: Any, column: Any, dtype: str) -> Any:
        """Where a column's number lies in a row: a pointer."""
        b = self.v.builder
        kind = _I8 if dtype == "bool" else TYPES[dtype]
        return b.gep(b.inttoptr(base, ir.PointerType(kind)), [column])


class _Once(_Program):
    """The program of `once`."""

    def __init__(self, graph: FunctionGraph) -> None:
        super().__init__(graph, 1)
        (n,) = self.numbers
        entered = self.v.builder.block
        block, end = (self.function.append_basic_block(name) for name in ("block", "end"))
        b = self.v.begin(block)
        first = b.phi(I64)  # of the block's lanes
        first.add_incoming(I64(0), entered)
        self._compute(first)
        following = b.add(first, I64(self.v.width))
        first.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, n), block, end)
        self.v.begin(end).ret_void()
        self.v.entry.branch(block)

    def _compute(self, first: Any) -> None:
        """Write what is done to the block of lanes from ``first`` on."""
        v, graph = self.v, self.graph
        loaded = {
            x: v.load(v.address(self.sources, i, first, x.type.dtype), x.type.dtype)
            for i, x in enumerate(graph.inputs)
        }
        outputs = ElementwiseWriter(Analysis(graph), v, loaded).write(graph.outputs)
        for i, (variable, value) in enumerate(zip(graph.outputs, outputs, strict=True)):
            dtype = variable.type.dtype
            v.store(value, v.address(self.targets, i, first, dtype), dtype)


class _NestedOnce(_Once):
    """The same of matrices, in memory."""

    nested = True

    def _compute(self, first: Any) -> None:
        v, graph = self.v, self.graph
        for run in self.runs:

            def fetch(row: Any, run: _Run = run) -> None:
                base = self.base(self.sources, v.builder.add(I64(run.first), row))
                place = self.block(run, row)
                source = v.builder.bitcast(self.cell(base, first, run.dtype), place.type)
                v.store(v.load(source, run.dtype), place, run.dtype)

            v.repeat(run.rows, fetch)
        nests = Nests(graph, v, self.places(), self.reserve)
        nests.write(graph.outputs)
        for x, begin in zip(graph.outputs, self.first_rows(graph.outputs), strict=True):

            def give(row: Any, value: Any, begin: int = begin, dtype: str = x.type.dtype) -> None:
                base = self.base(self.targets, v.builder.add(I64(begin), row))
                cell = self.cell(base, first, dtype)
                place = v.builder.bitcast(cell, ir.PointerType(v.stored_type(dtype)))
                v.store(value, place, dtype)

            nests.each(x, give)


class _UntilDone(_Program):
    """The program of `until_done`."""

    def __init__(self, graph: FunctionGraph, n_carried: int) -> None:
        super().__init__(graph, 3)
        self.carried = graph.outputs[:n_carried]
        self.others = graph.outputs[n_carried:]  # first, which lanes halt
        self.n_carried = sum(map(self.n_rows, self.carried))
        self.n, self.steps, self.limit = self.numbers
        entry, lanes = self.v.entry, self.v.width
        # Of every lane: its column, or -1; how many steps its column has left; and the outputs
        # that are not carried.
        self.held, self.left = (entry.alloca(ir.ArrayType(I64, lanes)) for _ in range(2))
        self.left.align = CACHE_LINE  # LLVM then aligns what it puts on the stack itself, too
        self.told = [entry.alloca(self.v.stored_type(x.type.dtype)) for x in self.others]
        self.column = entry.alloca(I64)  # the next to take a lane
        self.taken = entry.alloca(I64)  # steps since the last turn
        self.most = entry.alloca(I64)  # steps until a lane's column has none left
        entry.store(I64(0), self.column)
        entry.store(I64(0), self.taken)
        entry.store(ir.Constant(ir.ArrayType(I64, lanes), [-1] * lanes), self.held)

        turn, enter, end = (self.function.append_basic_block(n) for n in ("turn", "enter", "end"))
        b = self.v.begin(turn)
        b.store(I64(2**62), self.most)
        self.v.repeat(lanes, self._turn)
        b.cbranch(b.icmp_signed("<", b.load(self.most), I64(2**62)), enter, end)
        self._until_one_halts(enter, turn)
        self.v.begin(end).ret_void()
        entry.branch(turn)

    def _until_one_halts(self, enter: Any, turn: Any) -> None:
        """Write the loop over steps."""
        v = self.v
        before = v.begin(enter)
        held = before.load(before.bitcast(self.held, ir.PointerType(ir.VectorType(I64, v.width))))
        held.align = 8
        empty = before.icmp_signed("<", held, ir.Constant(held.type, [0] * v.width))
        holds = before.not_(before.sext(empty, v.mask))
        most = before.load(self.most)
        step, take, halt, end = (
            self.function.append_basic_block(name) for name in ("step", "take", "halt", "end")
        )

        b = v.begin(step)
        taken = b.phi(I64)
        taken.add_incoming(I64(0), enter)
        others = self._attempt(before)
        b.cbranch(v.any(b.and_(holds, others[0])), halt, take)

        # If any lane halts, none takes the step: the others attempt it again after the turn. So a
        # new value can take the old one's place.
        b = v.begin(take)
        self._take()
        following = b.add(taken, I64(1))
        taken.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed(">=", following, most), end, step)
        before.branch(step)

        for block, count, attempted in ((halt, taken, False), (end, following, True)):
            b = v.begin(block)
            b.store(count, self.taken)
            self._leave(attempted)
            for place, x, value in zip(self.told, self.others, others, strict=True):
                v.store(value, place, x.type.dtype)
            b.branch(turn)

    def _attempt(self, before: Any) -> list[Any]:
        """Write what tells whether a lane halts; return the outputs that are not carried.

        ``before`` writes what is done once, before the first step of a turn.
        """
        v, graph, entered = self.v, self.graph, before.block
        n = len(self.carried)
        with v.at(before):
            loaded = [
                v.load(self.block(run, I64(row)), run.dtype)
                for run in self.runs
                for row in range(run.rows)
            ]
        self.values = [v.builder.phi(value.type) for value in loaded[:n]]
        for phi, value in zip(self.values, loaded, strict=False):
            phi.add_incoming(value, entered)
        values = dict(zip(graph.inputs, [*self.values, *loaded[n:]], strict=True))
        self.line = ElementwiseWriter(Analysis(graph, graph.inputs[n:]), v, values, before)
        return self.line.write(self.others)

    def _take(self) -> None:
        """Write what a step moves, and put it in the place of what was there."""
        self.moved = self.line.write(self.carried)
        for phi, value in zip(self.values, self.moved, strict=True):
            phi.add_incoming(value, self.v.builder.block)

    def _leave(self, taken: bool) -> None:
        """Put into the block what it holds after a step, or before one that was not taken."""
        places = [(run, row) for run in self.runs for row in range(run.rows)]
        for (run, row), value in zip(places, self.moved if taken else self.values, strict=False):
            self.v.store(value, self.block(run, I64(row)), run.dtype)

    def _turn(self, lane: Any) -> None:
        """Count a lane's steps; write its column back if it has halted, and give it the next."""
        b = self.v.builder
        held, left = (b.gep(array, [I64(0), lane]) for array in (self.held, self.left))
        column = b.load(held)
        with b.if_then(b.icmp_signed(">=", column, I64(0))):
            halted = b.load(b.gep(b.bitcast(self.told[0], ir.PointerType(_I8)), [lane]))
            rest = b.sub(b.load(left), b.load(self.taken))
            b.store(rest, left)
            over = b.or_(b.icmp_unsigned("!=", halted, _I8(0)), b.icmp_signed("<=", rest, I64(0)))
            with b.if_then(over):
                self._write_back(lane, column, rest)
                b.store(I64(-1), held)
        with b.if_then(b.icmp_signed("<", b.load(held), I64(0))):
            self._skip()
            column = b.load(self.column)
            with b.if_then(b.icmp_signed("<", column, self.n)):
                for run in self.runs:
                    self._move(run, run.rows, lane, column, into_lane=True)
                b.store(self._steps_left(column), left)
                b.store(column, held)
                b.store(b.add(column, I64(1)), self.column)
        with b.if_then(b.icmp_signed(">=", b.load(held), I64(0))):
            most, rest = b.load(self.most), b.load(left)
            b.store(b.select(b.icmp_signed("<", rest, most), rest, most), self.most)

    def _skip(self) -> None:
        """Pass over columns that have no steps left."""
        b = self.v.builder
        look, check, over, found = (
            self.function.append_basic_block(n) for n in ("look", "check", "over", "found")
        )
        b.branch(look)
        b.position_at_end(look)
        column = b.load(self.column)
        b.cbranch(b.icmp_signed("<", column, self.n), check, found)
        b.position_at_end(check)
        b.cbranch(b.icmp_signed(">", self._steps_left(column), I64(0)), found, over)
        b.position_at_end(over)
        b.store(b.add(column, I64(1)), self.column)
        b.branch(look)
        b.position_at_end(found)

    def _steps_left(self, column: Any) -> Any:
        b = self.v.builder
        steps, limit = (
            b.sext(b.load(self.cell(base, column, "int32")), I64)
            for base in (self.steps, self.limit)
        )
        return b.sub(limit, steps)

    def _write_back(self, lane: Any, column: Any, rest: Any) -> None:
        """Write what a column has come to into the caller's arrays."""
        b = self.v.builder
        for run in self.runs:
            rows = min(run.rows, self.n_carried - run.first)
            if rows > 0:
                self._move(run, rows, lane, column, into_lane=False)
        for i, (place, x) in enumerate(zip(self.told, self.others, strict=True)):
            cell = self.cell(self.base(self.targets, I64(self.n_carried + i)), column, x.type.dtype)
            b.store(b.load(b.gep(b.bitcast(place, cell.type), [lane])), cell)
        limit = b.load(self.cell(self.limit, column, "int32"))
        steps = b.sub(limit, b.trunc(rest, limit.type))
        b.store(steps, self.cell(self.steps, column, "int32"))

    def _move(self, run: _Run, rows: int, lane: Any, column: Any, *, into_lane: bool) -> None:
        """Copy one lane of some variables from the caller's arrays, or back."""

        def copy(row: Any) -> None:
            b = self.v.builder
            base = self.base(self.sources, b.add(I64(run.first), row))
            outside = self.cell(base, column, run.dtype)
            inside = b.gep(b.bitcast(self.block(run, row), outside.type), [lane])
            source, target = (outside, inside) if into_lane else (inside, outside)
            b.store(b.load(source), target)

        self.v.repeat(rows, copy)


class _NestedUntilDone(_UntilDone):
    """The same of matrices, which stay in the block."""

    nested = True

    def _attempt(self, before: Any) -> list[Any]:
        self.nests = Nests(self.graph, self.v, self.places(), self.reserve)
        self.nests.write(self.others)
        return [self.nests.number(x) for x in self.others]

    def _take(self) -> None:
        self.nests.replace(self.carried, self.graph.inputs[: len(self.carried)])

    def _leave(self, taken: bool) -> None:
        """Nothing: it is there."""
