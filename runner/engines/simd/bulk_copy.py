"""Columns that follow each other, copied together into all lanes or out of them.

A lane is one number of each vector. Served one after the other, lanes read and write a network of
matrices as often as there are lanes, from caches that are far away; together it is once.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from runner.engines.simd.function_frame import I8, Frame, Run
from runner.engines.simd.lane_state import LaneState
from runner.engines.simd.type_aliases import Builder, Value
from runner.engines.simd.vectors import I64


class BulkCopy:
    """Finds out at a refill which columns can be copied together, and copies them.

    Parameters
    ----------
    frame : Frame
    lanes : LaneState
    n_carried : int
        Rows that are carried.
    """

    def __init__(self, frame: Frame, lanes: LaneState, n_carried: int) -> None:
        self._frame, self._lanes, self._n_carried = frame, lanes, n_carried
        entry = frame.vectors.entry
        self._leaving, self._coming, self._in_order = (entry.alloca(I64) for _ in range(3))

    def is_left_behind(self, b: Builder) -> Value:
        """Whether columns that halt are still to be written back, one by one."""
        return b.icmp_signed("==", b.load(self._leaving), I64(0))

    def is_still_to_come(self, b: Builder) -> Value:
        """Whether columns that are given lanes are still to be fetched, one by one."""
        return b.icmp_signed("==", b.load(self._coming), I64(0))

    def write(self, steps_left: Callable[[Value], Value]) -> None:
        """Write columns back and fetch the next ones, if no lane goes on with its own.

        Parameters
        ----------
        steps_left : callable
            Writes how many steps a column has left.
        """
        v, lanes, n = self._frame.vectors, self._lanes, self._frame.numbers[0]
        b = v.builder
        for place, value in ((self._leaving, 0), (self._coming, 0), (self._in_order, 1)):
            b.store(I64(value), place)
        first, following = b.load(b.gep(lanes.column, [I64(0), I64(0)])), b.load(lanes.next_column)
        v.repeat(v.width, lambda lane: self._look_at(lane, first))
        with b.if_then(b.icmp_signed("==", b.load(self._in_order), I64(0))):
            b.store(I64(0), self._leaving)
        with b.if_then(b.icmp_signed("!=", b.load(self._in_order), I64(0))):
            left = b.sub(n, following)
            b.store(
                b.select(b.icmp_signed("<", left, I64(v.width)), left, I64(v.width)), self._coming
            )
        self._together(
            self._coming, lambda lane: self._look_ahead(steps_left(b.add(following, lane)))
        )
        runs = self._frame.runs
        for run in runs:
            rows = min(run.rows, self._n_carried - run.first)
            if rows > 0:
                self._move(run, rows, self._leaving, first, into_lanes=False)
        for run in runs:
            self._move(run, run.rows, self._coming, following, into_lanes=True)

    def _look_at(self, lane: Value, first: Value) -> None:
        """Count a lane that leaves in the order of its column; note if it is otherwise."""
        b, lanes = self._frame.vectors.builder, self._lanes
        column, left = (b.load(b.gep(x, [I64(0), lane])) for x in (lanes.column, lanes.steps_left))
        with b.if_then(b.icmp_signed(">=", column, I64(0))):
            halted = b.load(b.gep(b.bitcast(lanes.others[0], ir.PointerType(I8)), [lane]))
            over = b.icmp_signed("<=", left, b.load(lanes.steps_taken))
            over = b.or_(over, b.icmp_unsigned("!=", halted, I8(0)))
            count = b.load(self._leaving)
            b.store(b.add(count, I64(1)), self._leaving)
            follows = b.icmp_signed("==", column, b.add(first, lane))
            follows = b.and_(follows, b.icmp_signed("==", lane, count))
            with b.if_then(b.not_(b.and_(over, follows))):
                b.store(I64(0), self._in_order)

    def _look_ahead(self, steps_left: Value) -> None:
        """Let columns come one by one if one of them has no steps left."""
        b = self._frame.vectors.builder
        with b.if_then(b.icmp_signed("<=", steps_left, I64(0))):
            b.store(I64(0), self._coming)

    def _together(self, count: Value, write: Callable[[Value], None]) -> None:
        """Write a loop over the first lanes, a number of them that lies in memory."""
        v = self._frame.vectors
        n = v.builder.load(count)
        with v.builder.if_then(v.builder.icmp_signed(">", n, I64(0))):
            v.repeat(n, write)

    def _move(self, run: Run, rows: int, count: Value, first: Value, *, into_lanes: bool) -> None:
        """Copy some rows of so many columns, from the first one on, into their lanes or back."""
        frame, v = self._frame, self._frame.vectors
        n = v.builder.load(count)

        def row_by_row(row: Value) -> None:
            b = v.builder
            base = frame.base(frame.sources, b.add(I64(run.first), row))
            outside = frame.cell(base, first, run.dtype)
            inside = b.bitcast(frame.lanes_of(run, row), outside.type)
            source, target = (outside, inside) if into_lanes else (inside, outside)
            v.repeat(n, lambda lane: b.store(b.load(b.gep(source, [lane])), b.gep(target, [lane])))

        def vector_by_vector(row: Value) -> None:
            inside, begin = frame.lanes_of(run, row), v.builder.add(I64(run.first), row)
            outside = frame.lanes_in(frame.sources, begin, first, run.dtype)
            source, target = (outside, inside) if into_lanes else (inside, outside)
            v.store(v.load(source, run.dtype), target, run.dtype)

        b = v.builder
        fills = b.icmp_signed("==", n, I64(v.width))
        with b.if_then(fills):  # the columns of all lanes lie side by side
            v.repeat(rows, vector_by_vector)
        with b.if_then(b.and_(b.icmp_signed(">", n, I64(0)), b.not_(fills))):
            v.repeat(rows, row_by_row)
