"""Refills of lanes between steps: a lane whose column has halted takes the next one."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from llvmlite import ir

from runner.engines.simd.bulk_copy import BulkCopy
from runner.engines.simd.function_frame import I8, Frame, Run
from runner.engines.simd.lane_recording import LaneRecording
from runner.engines.simd.lane_state import LaneState
from runner.engines.simd.type_aliases import Block, Builder, Pointer, Value
from runner.engines.simd.vectors import I64

_ENDLESS = I64(2**62)

STEPS_BETWEEN_REFILLS = 64
"""Steps after which a thread comes to a refill, whether its lane has halted or not: those beside it
come to theirs together, and so wait no longer for one that is still at it."""


class LaneRefill:
    """The part of the program that serves one lane after the other.

    Parameters
    ----------
    frame : Frame
    lanes : LaneState
    n_carried : int
        How many outputs are carried.
    together : bool
        Have columns move together where they can; see `BulkCopy`.
    """

    def __init__(self, frame: Frame, lanes: LaneState, n_carried: int, *, together: bool) -> None:
        self._frame, self._lanes = frame, lanes
        self._n_carried = sum(map(frame.n_rows, frame.graph.outputs[:n_carried]))
        self._n, self._steps, self._limit, *_ = frame.numbers
        self._bulk_copy = BulkCopy(frame, lanes, self._n_carried) if together else None
        self._recording = LaneRecording(frame, lanes) if frame.kind == "recording" else None

    @property
    def _b(self) -> Builder:
        return self._frame.vectors.builder

    def write(self, refill: Block, enter: Block, end: Block) -> None:
        """Write it, from the block ``refill`` on; it goes to ``enter`` if any lane has a column."""
        v, to_take = self._frame.vectors, self._lanes.steps_to_take
        b = v.begin(refill)
        b.store(_ENDLESS, to_take)
        if self._bulk_copy:
            self._bulk_copy.write(self._steps_left)
        v.repeat(v.width, self._serve)
        fewest = b.load(to_take)
        if self._frame.kind == "threads":
            most = I64(STEPS_BETWEEN_REFILLS)
            b.store(b.select(b.icmp_signed("<", fewest, most), fewest, most), to_take)
        b.cbranch(b.icmp_signed("<", fewest, _ENDLESS), enter, end)

    def _serve(self, lane: Value) -> None:
        """Count a lane's steps; write its column back if it has halted, and give it the next."""
        b, lanes, bulk_copy, recording = self._b, self._lanes, self._bulk_copy, self._recording
        own, left = (b.gep(array, [I64(0), lane]) for array in (lanes.column, lanes.steps_left))
        column = b.load(own)
        with b.if_then(b.icmp_signed(">=", column, I64(0))):
            halted = b.load(b.gep(b.bitcast(lanes.others[0], ir.PointerType(I8)), [lane]))
            rest = b.sub(b.load(left), b.load(lanes.steps_taken))
            b.store(rest, left)
            if recording:
                recording.count(lane)
            over = b.or_(b.icmp_unsigned("!=", halted, I8(0)), b.icmp_signed("<=", rest, I64(0)))
            with b.if_then(over):
                with b.if_then(bulk_copy.is_left_behind(b)) if bulk_copy else nullcontext():
                    self._move_back(lane, column)
                self._write_back(lane, column, rest)
                b.store(I64(-1), own)
        with b.if_then(b.icmp_signed("<", b.load(own), I64(0))):
            self._skip()
            column = b.load(lanes.next_column)
            with b.if_then(b.icmp_signed("<", column, self._n)):
                with b.if_then(bulk_copy.is_still_to_come(b)) if bulk_copy else nullcontext():
                    for run in self._frame.runs:
                        self._move(run, run.rows, lane, column, into_lane=True)
                b.store(self._steps_left(column), left)
                b.store(column, own)
                if recording:
                    recording.begin(lane, column)
                if not self._frame.is_for_gpu:
                    b.store(b.add(column, I64(1)), lanes.next_column)
        with b.if_then(b.icmp_signed(">=", b.load(own), I64(0))):
            if recording:
                recording.record(lane)
                self._refill_after(recording.steps_left(lane))
            self._refill_after(left)

    def _refill_after(self, left: Pointer) -> None:
        """Come to the next refill when so many steps are taken as lie there, if not sooner."""
        b, to_take = self._b, self._lanes.steps_to_take
        fewest, rest = b.load(to_take), b.load(left)
        b.store(b.select(b.icmp_signed("<", rest, fewest), rest, fewest), to_take)

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
        column = self._drawn() if self._frame.is_for_gpu else b.load(following)
        b.cbranch(b.icmp_signed("<", column, self._n), check, found)
        b.position_at_end(check)
        b.cbranch(b.icmp_signed(">", self._steps_left(column), I64(0)), found, over)
        b.position_at_end(over)
        if not self._frame.is_for_gpu:
            b.store(b.add(column, I64(1)), following)
        b.branch(look)
        b.position_at_end(found)

    def _drawn(self) -> Value:
        """Draw the next column that no other has drawn: a thread, or the first one of a block."""
        b, following, threads = self._b, self._lanes.next_column, self._frame.vectors.thread_block
        with self._by_one_thread():
            counter = b.inttoptr(self._frame.counter, ir.PointerType(I64))
            b.store(b.atomic_rmw("add", counter, I64(1), "monotonic"), following)
        if threads:
            threads.wait(b)
        column = b.load(following)
        if threads:  # the next one must not be drawn before all have read this one
            threads.wait(b)
        return column

    def _by_one_thread(self) -> AbstractContextManager[None]:
        """Write what the first thread of a block does, and others do not."""
        threads = self._frame.vectors.thread_block
        return self._b.if_then(threads.is_first(self._b)) if threads else nullcontext()

    def _steps_left(self, column: Value) -> Value:
        b = self._b
        steps, limit = (
            b.sext(b.load(self._frame.cell(base, column, "int32")), I64)
            for base in (self._steps, self._limit)
        )
        return b.sub(limit, steps)

    def _move_back(self, lane: Value, column: Value) -> None:
        """Write the rows of a column that are carried into the caller's arrays."""
        for run in self._frame.runs:
            rows = min(run.rows, self._n_carried - run.first)
            if rows > 0:
                self._move(run, rows, lane, column, into_lane=False)

    def _write_back(self, lane: Value, column: Value, rest: Value) -> None:
        """Write what else a column has come to into the caller's arrays."""
        b, frame, lanes = self._b, self._frame, self._lanes
        with self._by_one_thread():
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

        frame.vectors.share(rows, copy)
