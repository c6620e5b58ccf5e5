"""Points of columns' ways, written down while their lanes go on.

A loop that ends in every column where something is to be written down fetches and writes back each
column as often. Here a lane's first rows are copied as they are, and it goes on.
"""

from __future__ import annotations

from llvmlite import ir

from runner.engines.simd.artifact import NEVER
from runner.engines.simd.function_frame import TABLE, Frame
from runner.engines.simd.lane_state import LaneState
from runner.engines.simd.type_aliases import Pointer, Value
from runner.engines.simd.vectors import I64


class LaneRecording:
    """Writes what a refill does about points.

    Parameters
    ----------
    frame : Frame
        Its last number is the address of four: how many rows of what is carried make a point; and
        the addresses of a table of steps, of the columns' places, and of a table of the points'
        rows, point after point. Steps are those to the first point, then from each to the next, and
        last `NEVER`. A place (int32) is where in these rows a column writes; -1 for nowhere.
    lanes : LaneState
    """

    def __init__(self, frame: Frame, lanes: LaneState) -> None:
        self._frame, self._lanes = frame, lanes
        entry = frame.vectors.entry
        table = entry.inttoptr(frame.numbers[-1], TABLE)
        self._rows, steps, self._places, points = (
            entry.load(entry.gep(table, [I64(k)])) for k in range(4)
        )
        self._steps, self._points = (entry.inttoptr(place, TABLE) for place in (steps, points))
        n = frame.vectors.width
        # arrays: how many steps each lane's column has left to its next point, and which that is
        self._to_point, self._next = (entry.alloca(ir.ArrayType(I64, n)) for _ in range(2))

    def steps_left(self, lane: Value) -> Pointer:
        """Where the steps lie that a lane has left to its next point."""
        return self._frame.vectors.builder.gep(self._to_point, [I64(0), lane])

    def begin(self, lane: Value, column: Value) -> None:
        """Write down where a lane begins with a column."""
        b = self._frame.vectors.builder
        is_recorded = b.icmp_signed(">=", self._place(column), I64(0))
        first = b.select(is_recorded, b.load(self._steps), I64(NEVER))
        b.store(first, self.steps_left(lane))
        b.store(I64(0), b.gep(self._next, [I64(0), lane]))

    def count(self, lane: Value) -> None:
        """Count the steps that a lane has taken."""
        b, left = self._frame.vectors.builder, self.steps_left(lane)
        b.store(b.sub(b.load(left), b.load(self._lanes.steps_taken)), left)

    def record(self, lane: Value) -> None:
        """Copy the rows of a lane that has come to a point."""
        frame, v = self._frame, self._frame.vectors
        b, left = v.builder, self.steps_left(lane)
        with b.if_then(b.icmp_signed("<=", b.load(left), I64(0))):
            column = b.load(b.gep(self._lanes.column, [I64(0), lane]))
            number = b.gep(self._next, [I64(0), lane])
            point, place, run = b.load(number), self._place(column), frame.runs[0]
            begin = b.mul(point, self._rows)

            def copy(row: Value) -> None:
                outside = frame.cell(frame.base(self._points, b.add(begin, row)), place, run.dtype)
                inside = b.gep(b.bitcast(frame.lanes_of(run, row), outside.type), [lane])
                b.store(b.load(inside), outside)

            v.repeat(self._rows, copy)
            following = b.add(point, I64(1))
            b.store(following, number)
            b.store(b.load(b.gep(self._steps, [following])), left)

    def _place(self, column: Value) -> Value:
        b = self._frame.vectors.builder
        return b.sext(b.load(self._frame.cell(self._places, column, "int32")), I64)
