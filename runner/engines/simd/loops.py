"""The two programs that a graph becomes: computed once in every lane, or repeated until done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir
from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.bodies import Attempt, Body, InMemory, InRegisters
from runner.engines.simd.frame import I8, Frame, Run
from runner.engines.simd.names import Block, Builder, Pointer, Value, Variable
from runner.engines.simd.vectors import CACHE_LINE, I64

_ENDLESS = I64(2**62)


@dataclass(frozen=True)
class Written:
    """A program for LLVM, and what has to be known to run it."""

    text: str
    """Of one function; see `once` and `until_done`."""
    width: int
    """Lanes of a block."""
    scratch_bytes: int
    """Bytes of memory that it needs."""
    n_rows: Callable[[Variable], int]
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

    Notes
    -----
    The basic blocks, of which ``block`` is run for one block of lanes after the other::

        entry ──> block ──> end
                  │   ^
                  └───┘
    """
    frame, body = _opened(graph, 1, nested)
    v, (n,) = frame.vectors, frame.numbers
    entered = v.builder.block
    block, end = (frame.block(name) for name in ("block", "end"))
    b = v.begin(block)
    first = b.phi(I64)  # of the block's lanes
    first.add_incoming(I64(0), entered)
    body.compute(first)
    following = b.add(first, I64(v.width))
    first.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, n), block, end)
    v.begin(end).ret_void()
    v.entry.branch(block)
    return _written(frame)


def until_done(graph: FunctionGraph, n_carried: int, nested: bool = False) -> Written:
    """Write a program that repeats a step in every column until it halts there.

    Parameters
    ----------
    graph : FunctionGraph
        A step, its inputs and outputs in the order of `runner.engines.simd.lowering.lower_loop`.
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

    The basic blocks. ``turn`` serves one lane after the other: it writes back a column that has
    halted and fetches the next. Then steps are made until a lane halts, or one has no steps left::

        entry ──> turn ──(every lane is empty)──> end
                  │  ^
                  v  └─────────────────────┬────────────────────┐
                enter                      │                    │
                  │                        │                    │
                  v                        │                    │
           ┌──> step ──(a lane halts)──> halt                   │
           │      │                                             │
           │      v                                             │
           └─── take ──(a lane has no steps left)──> end (.1) ──┘

    If any lane halts, none takes the step: the others attempt it again after the turn. So a new
    value can take the old one's place.
    """
    frame, body = _opened(graph, 3, nested)
    lanes = _declare(frame, graph.outputs[n_carried:])
    turn, enter, end = (frame.block(name) for name in ("turn", "enter", "end"))
    _Turn(frame, lanes, n_carried).write(turn, enter, end)
    _write_steps(frame, lanes, body, n_carried, enter, turn)
    frame.vectors.begin(end).ret_void()
    frame.vectors.entry.branch(turn)
    return _written(frame)


def _opened(graph: FunctionGraph, n_numbers: int, nested: bool) -> tuple[Frame, Body]:
    kind: type[Body] = InMemory if nested else InRegisters
    frame = Frame(graph, n_numbers, kind.n_rows, kind.block_bytes)
    return frame, kind(frame)


def _written(frame: Frame) -> Written:
    v = frame.vectors
    return Written(str(v.module), v.width, frame.scratch_bytes, frame.n_rows)


@dataclass(frozen=True)
class _Lanes:
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
    """Steps since the last turn."""
    steps_to_take: Pointer
    """Steps until a lane's column has none left."""


def _declare(frame: Frame, others: list[Variable]) -> _Lanes:
    """Declare the variables; in the beginning no lane has a column."""
    entry, n = frame.vectors.entry, frame.vectors.width
    column, left = (entry.alloca(ir.ArrayType(I64, n)) for _ in range(2))
    left.align = CACHE_LINE  # LLVM then aligns what it puts on the stack itself, too
    places = [entry.alloca(frame.vectors.stored_type(x.type.dtype)) for x in others]
    following, taken, to_take = (entry.alloca(I64) for _ in range(3))
    entry.store(I64(0), following)
    entry.store(I64(0), taken)
    entry.store(ir.Constant(ir.ArrayType(I64, n), [-1] * n), column)
    return _Lanes(column, left, places, others, following, taken, to_take)


def _write_steps(
    frame: Frame, lanes: _Lanes, body: Body, n_carried: int, enter: Block, turn: Block
) -> None:
    """Write the loop over steps, from ``enter`` on until it goes back to ``turn``."""
    v = frame.vectors
    before = v.begin(enter)
    occupied = _occupied(frame, lanes, before)
    to_take = before.load(lanes.steps_to_take)
    step, take, halt, end = (frame.block(name) for name in ("step", "take", "halt", "end"))

    b = v.begin(step)
    taken = b.phi(I64)
    taken.add_incoming(I64(0), enter)
    attempt = body.attempt(n_carried, before)
    b.cbranch(v.any(b.and_(occupied, attempt.others[0])), halt, take)

    b = v.begin(take)
    moved = attempt.take()
    following = b.add(taken, I64(1))
    taken.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed(">=", following, to_take), end, step)
    before.branch(step)

    for block, count, carried in ((halt, taken, attempt.carried), (end, following, moved)):
        b = v.begin(block)
        b.store(count, lanes.steps_taken)
        _leave(frame, lanes, attempt, carried)
        b.branch(turn)


def _occupied(frame: Frame, lanes: _Lanes, before: Builder) -> Value:
    """A mask of the lanes that have a column."""
    v = frame.vectors
    kind = ir.PointerType(ir.VectorType(I64, v.width))
    columns = before.load(before.bitcast(lanes.column, kind))
    columns.align = 8
    empty = before.icmp_signed("<", columns, ir.Constant(columns.type, [0] * v.width))
    return before.not_(before.sext(empty, v.mask))


def _leave(frame: Frame, lanes: _Lanes, attempt: Attempt, carried: list[Value]) -> None:
    """Put into memory what the turn reads: carried values, and the other outputs."""
    attempt.put_back(carried)
    for place, x, value in zip(lanes.others, lanes.variables, attempt.others, strict=True):
        frame.vectors.store(value, place, x.type.dtype)


class _Turn:
    """The part of the program that serves one lane after the other.

    Parameters
    ----------
    frame : Frame
    lanes : _Lanes
    n_carried : int
        How many outputs are carried.
    """

    def __init__(self, frame: Frame, lanes: _Lanes, n_carried: int) -> None:
        self._frame, self._lanes = frame, lanes
        self._n_carried = sum(map(frame.n_rows, frame.graph.outputs[:n_carried]))
        self._n, self._steps, self._limit = frame.numbers

    @property
    def _b(self) -> Builder:
        return self._frame.vectors.builder

    def write(self, turn: Block, enter: Block, end: Block) -> None:
        """Write it, from the block ``turn`` on; it goes to ``enter`` if any lane has a column."""
        v, to_take = self._frame.vectors, self._lanes.steps_to_take
        b = v.begin(turn)
        b.store(_ENDLESS, to_take)
        v.repeat(v.width, self._serve)
        b.cbranch(b.icmp_signed("<", b.load(to_take), _ENDLESS), enter, end)

    def _serve(self, lane: Value) -> None:
        """Count a lane's steps; write its column back if it has halted, and give it the next."""
        b, lanes = self._b, self._lanes
        own, left = (b.gep(array, [I64(0), lane]) for array in (lanes.column, lanes.steps_left))
        column = b.load(own)
        with b.if_then(b.icmp_signed(">=", column, I64(0))):
            halted = b.load(b.gep(b.bitcast(lanes.others[0], ir.PointerType(I8)), [lane]))
            rest = b.sub(b.load(left), b.load(lanes.steps_taken))
            b.store(rest, left)
            over = b.or_(b.icmp_unsigned("!=", halted, I8(0)), b.icmp_signed("<=", rest, I64(0)))
            with b.if_then(over):
                self._write_back(lane, column, rest)
                b.store(I64(-1), own)
        with b.if_then(b.icmp_signed("<", b.load(own), I64(0))):
            self._skip()
            column = b.load(lanes.next_column)
            with b.if_then(b.icmp_signed("<", column, self._n)):
                for run in self._frame.runs:
                    self._move(run, run.rows, lane, column, into_lane=True)
                b.store(self._steps_left(column), left)
                b.store(column, own)
                b.store(b.add(column, I64(1)), lanes.next_column)
        with b.if_then(b.icmp_signed(">=", b.load(own), I64(0))):
            fewest, rest = b.load(lanes.steps_to_take), b.load(left)
            fewer = b.select(b.icmp_signed("<", rest, fewest), rest, fewest)
            b.store(fewer, lanes.steps_to_take)

    def _skip(self) -> None:
        """Pass over columns that have no steps left.

        ::

            ──> look ──(no more columns)──> found
                │  ^                         ^
                v  └── over <──┐             │
              check ──(none)───┘             │
                └───(it has steps left)──────┘
        """
        b, following = self._b, self._lanes.next_column
        names = ("look", "check", "over", "found")
        look, check, over, found = (self._frame.block(name) for name in names)
        b.branch(look)
        b.position_at_end(look)
        column = b.load(following)
        b.cbranch(b.icmp_signed("<", column, self._n), check, found)
        b.position_at_end(check)
        b.cbranch(b.icmp_signed(">", self._steps_left(column), I64(0)), found, over)
        b.position_at_end(over)
        b.store(b.add(column, I64(1)), following)
        b.branch(look)
        b.position_at_end(found)

    def _steps_left(self, column: Value) -> Value:
        b = self._b
        steps, limit = (
            b.sext(b.load(self._frame.cell(base, column, "int32")), I64)
            for base in (self._steps, self._limit)
        )
        return b.sub(limit, steps)

    def _write_back(self, lane: Value, column: Value, rest: Value) -> None:
        """Write what a column has come to into the caller's arrays."""
        b, frame, lanes = self._b, self._frame, self._lanes
        for run in frame.runs:
            rows = min(run.rows, self._n_carried - run.first)
            if rows > 0:
                self._move(run, rows, lane, column, into_lane=False)
        for i, (place, x) in enumerate(zip(lanes.others, lanes.variables, strict=True)):
            base = frame.base(frame.targets, I64(self._n_carried + i))
            cell = frame.cell(base, column, x.type.dtype)
            b.store(b.load(b.gep(b.bitcast(place, cell.type), [lane])), cell)
        limit = b.load(frame.cell(self._limit, column, "int32"))
        steps = b.sub(limit, b.trunc(rest, limit.type))
        b.store(steps, frame.cell(self._steps, column, "int32"))

    def _move(self, run: Run, rows: int, lane: Value, column: Value, *, into_lane: bool) -> None:
        """Copy one lane of some rows from the caller's arrays, or back."""
        frame = self._frame

        def copy(row: Value) -> None:
            b = self._b
            base = frame.base(frame.sources, b.add(I64(run.first), row))
            outside = frame.cell(base, column, run.dtype)
            inside = b.gep(b.bitcast(frame.lanes_of(run, row), outside.type), [lane])
            source, target = (outside, inside) if into_lane else (inside, outside)
            b.store(b.load(source), target)

        frame.vectors.repeat(rows, copy)
