"""A program that bounds curvature: Cholesky's factors of Hessians, column by column, in lanes.

A block of lanes stays in the nearest cache from its first column to its last, where NumPy would
carry every vector through memory some twenty times. All operations and their order are those of
`runner.training.curvature_bounds`, so that both tell the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytensor.graph.fg import FunctionGraph

from runner.engines.base import DIFFERENCE, UNSURE
from runner.engines.simd.control_flow import ProgramText, in_blocks
from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.function_frame import Frame
from runner.engines.simd.lane_loops import BOOL, FLOAT64, Rows, each, table_of
from runner.engines.simd.loop_bodies import RegisterBody
from runner.engines.simd.type_aliases import Value, Variable
from runner.engines.simd.vectors import I64


class Bounds:
    """Writes what is told of one block of lanes.

    Parameters
    ----------
    frame : Frame
        Of a graph that evaluates parameters: its inputs are these, then others, then the two
        bounds.
    n_parameters : int
    moving : sequence of int
        The parameters that can move.
    first_slope : int
        Place of the gradient's first number among the graph's outputs.
    """

    def __init__(
        self, frame: Frame, n_parameters: int, moving: Sequence[int], first_slope: int
    ) -> None:
        self._frame, self._v, self._moving = frame, frame.vectors, moving
        self._n, self._first_slope = n_parameters, first_slope
        m = len(moving)
        self._there = Rows.reserved(frame, n_parameters)
        self._slopes = Rows.reserved(frame, 2 * m)
        self._columns = Rows.reserved(frame, m * m)
        self._factors = Rows.reserved(frame, m * m)
        self._analysis = Analysis(frame.graph)
        self._places = table_of(self._v, moving)

    def write(self, first: Value) -> None:
        """Write what is told of the lanes from ``first`` on, from inputs there."""
        frame, v = self._frame, self._v
        inputs = frame.graph.inputs
        places = (v.address(frame.sources, i, first, FLOAT64) for i in range(len(inputs)))
        *given, least, enough = (v.load(place, FLOAT64) for place in places)
        for i, value in enumerate(given[: self._n]):
            self._there.store(value, I64(i))
        largest = v.splat(1.0, FLOAT64)
        for i in self._moving:
            largest = v.larger(v.absolute(given[i]), largest)
        size = v.builder.fmul(largest, v.splat(DIFFERENCE, FLOAT64))
        others = dict(zip(inputs[self._n :], given[self._n :], strict=False))
        told = self._told(size, least, enough, others)
        for row, mask in enumerate(told):
            v.store(mask, v.address(frame.targets, row, first, BOOL), BOOL)

    def _told(
        self, size: Value, least: Value, enough: Value, others: Mapping[Variable, Value]
    ) -> list[Value]:
        """Masks of what is bounded, and of what rounding could decide."""
        v = self._v

        def column(j: Value, carried: Sequence[Value]) -> list[Value]:
            live, unsure, finite, highest = carried
            finite = v.builder.and_(finite, self._write_column(j, size, others))
            own, taken = self._write_row(j)
            b = v.builder
            highest = v.larger(own, highest)
            own = b.fsub(own, least)
            pivot = b.fsub(own, taken)
            scale = b.fadd(v.absolute(own), taken)
            doubt = b.fmul(scale, v.splat(UNSURE, FLOAT64))
            near = v.spread(b.fcmp_ordered("<=", v.absolute(pivot), doubt))
            unsure = b.or_(unsure, b.and_(live, near))
            positive = v.spread(b.fcmp_ordered(">", pivot, v.splat(0.0, FLOAT64)))
            live = b.and_(live, b.and_(positive, b.not_(near)))
            root = v.intrinsic("sqrt", v.larger(pivot, v.splat(0.0, FLOAT64)))
            self._factors.store(root, self._at(j, j))
            return [live, unsure, finite, highest]

        none, all_ = v.splat(0, BOOL), v.splat(1, BOOL)
        live, unsure, finite, highest = each(
            self._v,
            I64(len(self._moving)),
            [all_, none, all_, v.splat(-float("inf"), FLOAT64)],
            column,
            lambda carried: v.any(carried[0]),
        )
        b = v.builder
        live = b.and_(live, finite)
        reached = b.fmul(enough, v.splat(1 + UNSURE, FLOAT64))
        sure = v.spread(b.fcmp_ordered(">=", highest, reached))
        return [b.and_(live, sure), b.or_(unsure, b.and_(live, b.not_(sure)))]

    def _write_column(self, j: Value, size: Value, others: Mapping[Variable, Value]) -> Value:
        """Write column j of the Hessian; return a mask of where all of it is finite."""
        v, m, graph = self._v, len(self._moving), self._frame.graph
        b = v.builder
        place = b.load(b.gep(self._places, [I64(0), j]))
        own = self._there.load(place)
        slopes = [graph.outputs[self._first_slope + i] for i in self._moving]

        def side(k: Value) -> None:
            b = v.builder
            step = b.select(b.icmp_signed("==", k, I64(0)), size, b.fneg(size))
            self._there.store(b.fadd(own, step), place)
            at = {x: self._there.load(I64(i)) for i, x in enumerate(graph.inputs[: self._n])}
            found = ElementwiseWriter(self._analysis, v, {**at, **others}).write(slopes)
            for i, value in enumerate(found):
                self._slopes.store(value, b.add(b.mul(k, I64(m)), I64(i)))

        v.repeat(2, side)
        b = v.builder
        self._there.store(own, place)
        twice = b.fmul(size, v.splat(2.0, FLOAT64))
        finite = v.splat(1, BOOL)
        for i in range(m):
            ahead, behind = (self._slopes.load(I64(k * m + i)) for k in range(2))
            value = b.fdiv(b.fsub(ahead, behind), twice)
            self._columns.store(value, self._at(j, I64(i)))
            is_number = b.fcmp_ordered("<", v.absolute(value), v.splat(float("inf"), FLOAT64))
            finite = b.and_(finite, v.spread(is_number))
        return finite

    def _write_row(self, j: Value) -> tuple[Value, Value]:
        """Write row j of the factors but its last number.

        Returns the Hessian's own number j, j and the sum of the row's squares.
        """
        v = self._v

        def entry(i: Value, carried: Sequence[Value]) -> list[Value]:
            b = v.builder
            both = b.fadd(self._columns.load(self._at(i, j)), self._columns.load(self._at(j, i)))
            value = b.fmul(both, v.splat(0.5, FLOAT64))

            def less(k: Value, carried: Sequence[Value]) -> list[Value]:
                b = v.builder
                factor, before = (
                    self._factors.load(self._at(i, k)),
                    self._factors.load(self._at(j, k)),
                )
                return [b.fsub(carried[0], b.fmul(factor, before))]

            (value,) = each(self._v, i, [value], less)
            b = v.builder
            value = b.fdiv(value, self._factors.load(self._at(i, i)))
            self._factors.store(value, self._at(j, i))
            return [b.fadd(carried[0], b.fmul(value, value))]

        (taken,) = each(self._v, j, [v.splat(0.0, FLOAT64)], entry)
        return self._columns.load(self._at(j, j)), taken

    def _at(self, row: Value, column: Value) -> Value:
        b = self._v.builder
        return b.add(b.mul(row, I64(len(self._moving))), column)


def bounds(
    graph: FunctionGraph, n_parameters: int, moving: Sequence[int], first_slope: int
) -> ProgramText:
    """Write the program of a graph that evaluates parameters; see `Bounds`.

    Returns
    -------
    ProgramText
        As `runner.engines.simd.control_flow.once` does.
    """
    frame = RegisterBody.opened(graph, "function")
    return in_blocks(frame, Bounds(frame, n_parameters, moving, first_slope).write)
