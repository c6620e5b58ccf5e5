"""Control flow of the two programs a graph becomes: once in every lane, or repeated until done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir
from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.artifact import Kind
from runner.engines.simd.function_frame import Frame
from runner.engines.simd.lane_refills import LaneRefill
from runner.engines.simd.lane_state import LaneState, declare
from runner.engines.simd.loop_bodies import LoopBody, MemoryBody, RegisterBody, StepAttempt
from runner.engines.simd.registers import Registers
from runner.engines.simd.type_aliases import Block, Builder, Value, Variable
from runner.engines.simd.vectors import I64, Vectors


@dataclass(frozen=True)
class ProgramText:
    """A program for LLVM, and what has to be known to run it."""

    text: str
    """Of one function; see `once` and `until_done`."""
    width: int
    """Lanes of a block."""
    scratch_bytes: int
    """Bytes of memory that it needs."""
    n_rows: Callable[[Variable], int]
    """How many rows of the caller's arrays a variable has."""
    widest: int
    """See `Interface`."""


def once(
    graph: FunctionGraph,
    nested: bool = False,
    n_outputs: int | None = None,
    n_float32: int = 0,
    fit: Registers | None = None,
) -> ProgramText:
    """Write a program that computes a graph's first outputs in every lane.

    Parameters
    ----------
    graph : FunctionGraph
        Elementwise, each variable a vector over lanes; or ``nested``, each variable a matrix of
        one restart, whose numbers are rows of vectors.
    nested : bool
    n_outputs : int, optional
        How many, by default all. Each is written as if all were, and so has the same bits.
    n_float32 : int
        The first so many inputs, of float64, are float32 in the caller's arrays.
    fit : Registers, optional
        What it is written for; by default this machine's.

    Returns
    -------
    ProgramText
        ``run(inputs, outputs, n, scratch)``; n lanes, a positive multiple of the width.

    Notes
    -----
    The basic blocks, of which ``block`` is run for one block of lanes after the other::

        entry ──> block ──> end
                  │   ^
                  └───┘
    """
    frame, body = _opened(graph, "function", nested, fit)
    return in_blocks(frame, lambda first: body.compute(first, n_outputs, n_float32))


def in_blocks(frame: Frame, write: Callable[[Value], None]) -> ProgramText:
    """Write the loop over blocks of lanes; ``write`` gets the first lane of each."""
    (n,) = frame.numbers
    repeat_blocks(frame.vectors, n, write)
    return _written(frame)


def repeat_blocks(v: Vectors, n: Value, write: Callable[[Value], None]) -> None:
    """Write a program's loop over blocks of its n lanes, all that comes after its entry."""
    entered = v.entry.block
    block, end = (v.entry.function.append_basic_block(name) for name in ("block", "end"))
    b = v.begin(block)
    first = b.phi(I64)  # of the block's lanes
    first.add_incoming(I64(0), entered)
    write(first)
    b = v.builder
    following = b.add(first, I64(v.width))
    first.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, n), block, end)
    v.begin(end).ret_void()
    v.entry.branch(block)


def until_done(
    graph: FunctionGraph,
    n_carried: int,
    nested: bool = False,
    *,
    kind: Kind = "loop",
    fit: Registers | None = None,
) -> ProgramText:
    """Write a program that repeats a step in every column until it halts there.

    Parameters
    ----------
    graph : FunctionGraph
        A step, its inputs and outputs in the order of `runner.engines.simd.lowering.lower_loops`.
    n_carried : int
        The first so many outputs take the place of the first inputs in the next step.
    nested : bool
        As in `once`.
    kind : str
        ``loop``; ``recording`` for one that can also record points on its way; or, for threads that
        have one lane each, ``threads``; ``blocks`` of a nested graph
        for blocks of threads, each of which has one lane.
    fit : Registers, optional
        As in `once`.

    Returns
    -------
    ProgramText
        ``run(inputs, outputs, n, steps, limit, scratch)``; n columns. The inputs that are carried
        and ``steps`` are overwritten. One that records has before the scratch what
        `runner.engines.simd.lane_recording` is told. For threads it ends in ``counter``, the
        address of the next column's number, which any number of threads share; for blocks in
        ``counter``, the bytes of one block's scratch, and the scratch of all blocks.

    Notes
    -----
    A column is a restart, a lane a place for one. There is one block of lanes, which stays in
    registers, or next to them. When a lane's column halts, it is written back and the next one
    takes the lane, so that no lane waits for another.

    The basic blocks. ``refill`` serves one lane after the other: it writes back a column that has
    halted and fetches the next. Then steps are made until a lane halts, or one has no steps left,
    in all or to the next point that is recorded::

        entry ──> refill ──(every lane is empty)──> end
                  │  ^
                  v  └─────────────────────┬────────────────────┐
                enter                      │                    │
                  │                        │                    │
                  v                        │                    │
           ┌──> step ──(a lane halts)──> halt                   │
           │      │                                             │
           │      v                                             │
           └─── take ──(a lane has no steps left)──> end (.1) ──┘

    If any lane halts, none takes the step: the others attempt it again after the refill. So a new
    value can take the old one's place.
    """
    frame, body = _opened(graph, kind, nested, fit)
    lanes = declare(frame, graph.outputs[n_carried:])
    refill, enter, end = (frame.block(name) for name in ("refill", "enter", "end"))
    together = nested and not frame.is_for_gpu
    LaneRefill(frame, lanes, n_carried, together=together).write(refill, enter, end)
    _write_steps(frame, lanes, body, n_carried, enter, refill)
    frame.vectors.begin(end).ret_void()
    frame.vectors.entry.branch(refill)
    return _written(frame)


def _opened(
    graph: FunctionGraph, kind: Kind, nested: bool, fit: Registers | None
) -> tuple[Frame, LoopBody]:
    body: type[LoopBody] = MemoryBody if nested else RegisterBody
    frame = body.opened(graph, kind, fit)
    return frame, body(frame)


def _written(frame: Frame) -> ProgramText:
    v, threads = frame.vectors, frame.vectors.thread_block
    widest = threads.widest if threads else 1
    return ProgramText(str(v.module), v.width, frame.scratch_bytes, frame.n_rows, widest)


def _write_steps(
    frame: Frame, lanes: LaneState, body: LoopBody, n_carried: int, enter: Block, refill: Block
) -> None:
    """Write the loop over steps, from ``enter`` on until it goes back to ``refill``."""
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
        b.branch(refill)


def _occupied(frame: Frame, lanes: LaneState, before: Builder) -> Value:
    """A mask of the lanes that have a column."""
    v = frame.vectors
    kind = ir.PointerType(ir.VectorType(I64, v.width))
    columns = before.load(before.bitcast(lanes.column, kind))
    columns.align = 8
    empty = before.icmp_signed("<", columns, ir.Constant(columns.type, [0] * v.width))
    return before.not_(before.sext(empty, v.mask))


def _leave(frame: Frame, lanes: LaneState, attempt: StepAttempt, carried: list[Value]) -> None:
    """Put into memory what the refill reads: carried values, and the other outputs."""
    attempt.put_back(carried)
    for place, x, value in zip(lanes.others, lanes.variables, attempt.others, strict=True):
        frame.vectors.store(value, place, x.type.dtype)
