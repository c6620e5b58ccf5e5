"""The loops around a graph's vector instructions: over blocks of lanes, and over steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from llvmlite import ir
from pytensor.graph.fg import FunctionGraph

from runner.engines.line import Line
from runner.engines.vectors import BLOCK_BYTES, I64, NAME, TYPES, Vectors

_I8 = ir.IntType(8)
_TABLE = ir.PointerType(I64)


def width(graph: FunctionGraph) -> int:
    """Lanes of a block."""
    return BLOCK_BYTES // int(max(np.dtype(v.type.dtype).itemsize for v in graph.inputs))


def once(graph: FunctionGraph) -> str:
    """Write a program that computes a graph's outputs in every lane.

    Returns
    -------
    str
        ``run(inputs, outputs, n)``; n lanes, a positive multiple of `width`.
    """
    module, function, v = _begin(graph, 1)
    sources, targets, n = function.args
    entered, end = v.builder.block, function.append_basic_block("end")
    b = v.begin(function.append_basic_block("block"))
    entry_to = b.block
    first = b.phi(I64)  # of the block's lanes
    first.add_incoming(I64(0), entered)
    loaded = {
        x: v.load(v.address(sources, i, first, x.type.dtype), x.type.dtype)
        for i, x in enumerate(graph.inputs)
    }
    outputs = Line(graph, v, loaded).write(graph.outputs)
    for i, (variable, value) in enumerate(zip(graph.outputs, outputs, strict=True)):
        v.store(value, v.address(targets, i, first, variable.type.dtype), variable.type.dtype)
    following = b.add(first, I64(v.width))
    first.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, n), entry_to, end)
    v.begin(end).ret_void()
    v.entry.branch(entry_to)
    return str(module)


def until_done(graph: FunctionGraph, n_carried: int) -> str:
    """Write a program that repeats a step in every column until it halts there.

    Parameters
    ----------
    graph : FunctionGraph
        A step, its inputs and outputs in the order of `runner.engines.graphs.loop`.
    n_carried : int
        The first so many outputs take the place of the first inputs in the next step.

    Returns
    -------
    str
        ``run(inputs, outputs, n, steps, limit, scratch)``; n columns. The inputs that are carried
        and ``steps`` are overwritten. ``scratch`` is `scratch_bytes` for the block of lanes.

    Notes
    -----
    A column is a restart, a lane a place for one. There is one block of lanes, which stays in
    registers, or next to them. When a lane's column halts, it is written back and the next one
    takes the lane, so that no lane waits for another.
    """
    return _UntilDone(graph, n_carried).text


def scratch_bytes(graph: FunctionGraph) -> int:
    """Bytes of the block of lanes that `until_done` works on."""
    return sum(run.rows * run.row_bytes for run in _runs(graph.inputs, width(graph)))


def _begin(graph: FunctionGraph, n_numbers: int) -> tuple[ir.Module, ir.Function, Vectors]:
    """Begin a program whose function takes two tables and so many numbers."""
    module = ir.Module("lanes")
    kind = ir.FunctionType(ir.VoidType(), (_TABLE, _TABLE, *[I64] * n_numbers))
    function = ir.Function(module, kind, NAME)
    return module, function, Vectors(module, function.append_basic_block("entry"), width(graph))


@dataclass(frozen=True)
class _Run:
    """Inputs of one dtype, one after the other, and where their block of lanes lies."""

    dtype: str
    first: int  # input
    rows: int
    offset: int  # bytes from the beginning of the scratch
    row_bytes: int


def _runs(inputs: Sequence[Any], lanes: int) -> list[_Run]:
    runs, first, offset = [], 0, 0
    for dtype, members in groupby(variable.type.dtype for variable in inputs):
        rows = len(list(members))
        row_bytes = lanes * np.dtype(dtype).itemsize
        runs.append(_Run(dtype, first, rows, offset, row_bytes))
        first, offset = first + rows, offset + rows * row_bytes
    return runs


class _UntilDone:
    """The program of `until_done`."""

    def __init__(self, graph: FunctionGraph, n_carried: int) -> None:
        self.graph, self.n_carried = graph, n_carried
        module, function, self.v = _begin(graph, 4)
        self.function = function
        self.sources, self.targets, self.n, self.steps, self.limit, self.scratch = function.args
        entry, lanes = self.v.entry, self.v.width
        self.runs = _runs(graph.inputs, lanes)
        # Of every lane: its column, or -1; how many steps its column has left; whether it has
        # halted; and the outputs that are not carried.
        self.held, self.left = (entry.alloca(ir.ArrayType(I64, lanes)) for _ in range(2))
        self.left.align = BLOCK_BYTES  # LLVM then aligns what it puts on the stack itself, too
        self.others = [entry.alloca(self.v.stored_type(x.type.dtype)) for x in self._others]
        self.column = entry.alloca(I64)  # the next to take a lane
        self.taken = entry.alloca(I64)  # steps since the last turn
        self.most = entry.alloca(I64)  # steps until a lane's column has none left
        entry.store(I64(0), self.column)
        entry.store(I64(0), self.taken)
        entry.store(ir.Constant(ir.ArrayType(I64, lanes), [-1] * lanes), self.held)

        turn, enter, end = (function.append_basic_block(n) for n in ("turn", "enter", "end"))
        b = self.v.begin(turn)
        b.store(I64(2**62), self.most)
        self._repeat(lanes, self._turn)
        b.cbranch(b.icmp_signed("<", b.load(self.most), I64(2**62)), enter, end)
        self._until_one_halts(enter, turn)
        self.v.begin(end).ret_void()
        entry.branch(turn)
        self.text = str(module)

    @property
    def _others(self) -> Sequence[Any]:
        """The outputs that are not carried: first, which lanes halt."""
        return self.graph.outputs[self.n_carried :]

    def _until_one_halts(self, enter: Any, turn: Any) -> None:
        """Write the loop over steps."""
        v, graph = self.v, self.graph
        b = v.begin(enter)
        held = b.load(b.bitcast(self.held, ir.PointerType(ir.VectorType(I64, v.width))))
        held.align = 8
        empty = b.icmp_signed("<", held, ir.Constant(held.type, [0] * v.width))
        holds = b.not_(b.sext(empty, v.mask))
        most = b.load(self.most)
        loaded = [
            v.load(self._block(run, I64(row)), run.dtype)
            for run in self.runs
            for row in range(run.rows)
        ]
        step, take, halt, end = (
            self.function.append_basic_block(name) for name in ("step", "take", "halt", "end")
        )
        before = b

        b = v.begin(step)
        taken = b.phi(I64)
        taken.add_incoming(I64(0), enter)
        carried = [b.phi(value.type) for value in loaded[: self.n_carried]]
        for phi, value in zip(carried, loaded, strict=False):
            phi.add_incoming(value, enter)
        values = dict(zip(graph.inputs, [*carried, *loaded[self.n_carried :]], strict=True))
        line = Line(graph, v, values, graph.inputs[self.n_carried :], before)
        others = line.write(self._others)
        b.cbranch(v.any(b.and_(holds, others[0])), halt, take)

        # If any lane halts, none takes the step: the others attempt it again after the turn. So a
        # new value can take the old one's place.
        b = v.begin(take)
        moved = line.write(graph.outputs[: self.n_carried])
        following = b.add(taken, I64(1))
        taken.add_incoming(following, take)
        for phi, value in zip(carried, moved, strict=True):
            phi.add_incoming(value, take)
        b.cbranch(b.icmp_signed(">=", following, most), end, step)
        before.branch(step)

        for block, kept, count in ((halt, carried, taken), (end, moved, following)):
            b = v.begin(block)
            b.store(count, self.taken)
            places = [(run, row) for run in self.runs for row in range(run.rows)]
            for (run, row), value in zip(places, kept, strict=False):
                v.store(value, self._block(run, I64(row)), run.dtype)
            for place, x, value in zip(self.others, self._others, others, strict=True):
                v.store(value, place, x.type.dtype)
            b.branch(turn)

    def _turn(self, lane: Any) -> None:
        """Count a lane's steps; write its column back if it has halted, and give it the next."""
        b = self.v.builder
        held, left = (b.gep(array, [I64(0), lane]) for array in (self.held, self.left))
        column = b.load(held)
        with b.if_then(b.icmp_signed(">=", column, I64(0))):
            halted = b.load(b.gep(b.bitcast(self.others[0], ir.PointerType(_I8)), [lane]))
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
            b.sext(b.load(self._cell(base, column, "int32")), I64)
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
        for i, (place, x) in enumerate(zip(self.others, self._others, strict=True)):
            cell = self._cell(
                self._base(self.targets, I64(self.n_carried + i)), column, x.type.dtype
            )
            b.store(b.load(b.gep(b.bitcast(place, cell.type), [lane])), cell)
        limit = b.load(self._cell(self.limit, column, "int32"))
        steps = b.sub(limit, b.trunc(rest, limit.type))
        b.store(steps, self._cell(self.steps, column, "int32"))

    def _move(self, run: _Run, rows: int, lane: Any, column: Any, *, into_lane: bool) -> None:
        """Copy one lane of some variables from the caller's arrays, or back."""

        def copy(row: Any) -> None:
            b = self.v.builder
            base = self._base(self.sources, b.add(I64(run.first), row))
            outside = self._cell(base, column, run.dtype)
            inside = b.gep(b.bitcast(self._block(run, row), outside.type), [lane])
            source, target = (outside, inside) if into_lane else (inside, outside)
            b.store(b.load(source), target)

        self._repeat(rows, copy)

    def _block(self, run: _Run, row: Any) -> Any:
        """Where a variable's block of lanes lies: a pointer to a vector."""
        b = self.v.builder
        offset = b.add(I64(run.offset), b.mul(row, I64(run.row_bytes)))
        kind = ir.PointerType(self.v.stored_type(run.dtype))
        return b.inttoptr(b.add(self.scratch, offset), kind)

    def _base(self, table: Any, row: Any) -> Any:
        """Where a variable's vector begins in the caller's arrays."""
        b = self.v.builder
        return b.load(b.gep(table, [row]))

    def _cell(self, base: Any, column: Any, dtype: str) -> Any:
        """Where a column's number lies in a vector: a pointer."""
        b = self.v.builder
        kind = _I8 if dtype == "bool" else TYPES[dtype]
        return b.gep(b.inttoptr(base, ir.PointerType(kind)), [column])

    def _repeat(self, count: int, write: Callable[[Any], None]) -> None:
        """Write a loop of so many rounds; ``write`` is told the number of the round."""
        b = self.v.builder
        before, head = b.block, self.function.append_basic_block("repeat")
        b.branch(head)
        b.position_at_end(head)
        number = b.phi(I64)
        number.add_incoming(I64(0), before)
        write(number)
        following = b.add(number, I64(1))
        number.add_incoming(following, b.block)
        after = self.function.append_basic_block("repeated")
        b.cbranch(b.icmp_signed("<", following, I64(count)), head, after)
        b.position_at_end(after)
