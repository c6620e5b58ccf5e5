"""A program for Lanczos' method: what the ends of Hessians' spectra are read from, in lanes.

A block of lanes stays in a near cache from its first product with the Hessian to its last, where
NumPy would carry every vector through memory some twenty times. All operations and their order are
those of `runner.training.hessians` and `runner.training.lanczos_vectors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llvmlite import ir
from pytensor.graph.fg import FunctionGraph

from runner.engines.base import DIFFERENCE, LANCZOS_STEPS
from runner.engines.simd.control_flow import ProgramText, in_blocks
from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.function_frame import Frame
from runner.engines.simd.lane_loops import BOOL, FLOAT64, Rows, each, table_of
from runner.engines.simd.loop_bodies import LoopBody, MemoryBody, RegisterBody
from runner.engines.simd.loop_nests import LoopNests
from runner.engines.simd.memory import matrix, static_shape
from runner.engines.simd.type_aliases import Value, Variable
from runner.engines.simd.vectors import I64

_TINY = 2.2250738585072014e-308  # the smallest normal number
_TWICE = 2  # against rounding


class Lanczos:
    """Writes what is done for one block of lanes.

    Parameters
    ----------
    frame : Frame
        Of a graph that evaluates parameters: its inputs are these, then others, then numbers to
        begin with, one for each parameter that can move, and a bound.
    body : type of LoopBody
        How the graph is computed.
    parameters : sequence of Variable
        The first inputs.
    moving : sequence of int
        The parameters that can move, by the rows they have in the caller's arrays.
    slopes : sequence of Variable
        The gradient, by parameters.
    """

    def __init__(
        self,
        frame: Frame,
        body: type[LoopBody],
        parameters: Sequence[Variable],
        moving: Sequence[int],
        slopes: Sequence[Variable],
    ) -> None:
        self._frame, self._v, self._body = frame, frame.vectors, body
        self._parameters, self._slopes = parameters, slopes
        self._n = sum(map(body.n_rows, parameters))
        self._m, self._steps = len(moving), min(LANCZOS_STEPS, len(moving))
        self._moving = None if self._m == self._n else table_of(self._v, moving)
        rows = (self._n, self._n, 2 * self._n, self._m, (self._steps + 1) * self._m, self._steps)
        there, at, gradients, product, vectors, sums = (Rows.reserved(frame, k) for k in rows)
        self._there, self._at, self._gradients = there, at, gradients
        self._product, self._vectors, self._sums = product, vectors, sums

    def write(self, first: Value) -> None:
        """Write all of it for the lanes from ``first`` on, from inputs there."""
        v, m = self._v, self._m
        n_others = sum(map(self._frame.n_rows, self._frame.graph.inputs)) - self._n - m - 1
        self._fetch(I64(0), self._n, first, self._there)
        self._fetch(I64(self._n + n_others), m, first, self._vectors)
        others = self._others(first)
        least = self._given(I64(self._n + n_others + m), first)

        def wider(k: Value, carried: Sequence[Value]) -> list[Value]:
            number = v.absolute(self._there.load(self._place(k)))
            return [v.larger(number, carried[0])]

        (largest,) = self._each(m, [v.splat(1.0, FLOAT64)], wider)
        size = v.builder.fmul(largest, v.splat(DIFFERENCE, FLOAT64))
        v.repeat(self._n, lambda row: self._at.store(self._there.load(row), row))
        count = self._write_steps(first, size, least, others)
        last = I64(self._steps * (self._steps + 1) // 2)
        self._give(count, last, first)

    def _write_steps(
        self, first: Value, size: Value, least: Value, others: Mapping[Variable, Value]
    ) -> Value:
        """Write the loop over steps; return how many each lane has made."""
        v, zero = self._v, self._v.splat(0.0, FLOAT64)

        def one(step: Value, carried: Sequence[Value]) -> list[Value]:
            live, pivot, beside, count = carried
            self._write_product(step, size, others)
            own, length = self._write_vector(step, first)
            b = v.builder
            taken = b.fdiv(b.fmul(beside, beside), pivot)
            rest = b.fsub(b.fsub(own, least), taken)
            made = v.repeated(b.sitofp(b.add(step, I64(1)), ir.DoubleType()))
            counted = b.select(v.holds(live), made, count)
            on = b.and_(live, v.spread(b.fcmp_ordered(">", rest, zero)))
            return [on, rest, length, counted]

        begun = [v.splat(1, BOOL), v.splat(1.0, FLOAT64), zero, zero]
        *_, counted = self._each(self._steps, begun, one, lambda carried: v.any(carried[0]))
        return counted

    def _write_product(self, step: Value, size: Value, others: Mapping[Variable, Value]) -> None:
        """Write the Hessian's product with a step's vector, from gradients on either side."""
        v, m, n = self._v, self._m, self._n
        b = v.builder
        first = b.mul(step, I64(m))

        def wider(k: Value, carried: Sequence[Value]) -> list[Value]:
            number = v.absolute(self._vectors.load(v.builder.add(first, k)))
            return [v.larger(number, carried[0])]

        (largest,) = self._each(m, [v.splat(0.0, FLOAT64)], wider)
        b = v.builder
        size = b.fdiv(size, v.larger(largest, v.splat(_TINY, FLOAT64)))

        def side(number: Value) -> None:
            b = v.builder
            change = b.select(b.icmp_signed("==", number, I64(0)), size, b.fneg(size))

            def move(k: Value) -> None:
                b = v.builder
                along = b.fmul(change, self._vectors.load(b.add(first, k)))
                place = self._place(k)
                self._at.store(b.fadd(self._there.load(place), along), place)

            v.repeat(m, move)
            self._write_gradient(v.builder.mul(number, I64(n)), others)

        v.repeat(2, side)
        twice = v.builder.fmul(size, v.splat(2.0, FLOAT64))

        def difference(k: Value) -> None:
            place, b = self._place(k), v.builder
            ahead, behind = (self._gradients.load(b.add(place, I64(i * n))) for i in range(2))
            self._product.store(b.fdiv(b.fsub(ahead, behind), twice), k)

        v.repeat(m, difference)

    def _write_gradient(self, begin: Value, others: Mapping[Variable, Value]) -> None:
        """Write the gradient where the parameters now are, from a row on."""
        v, first = self._v, 0
        if self._body is RegisterBody:
            at = {x: self._at.load(I64(i)) for i, x in enumerate(self._parameters)}
            writer = ElementwiseWriter(Analysis(self._frame.graph), v, {**at, **others})
            for i, value in enumerate(writer.write(self._slopes)):
                self._gradients.store(value, v.builder.add(begin, I64(i)))
            return
        places = dict(zip(self._frame.graph.inputs, self._frame.places(), strict=True))
        for x in self._parameters:
            places[x] = v.entry.gep(self._at.base, [I64(first)])
            first += self._body.n_rows(x)
        inputs = [matrix(place, static_shape(x), x.type.dtype) for x, place in places.items()]
        nests = LoopNests(self._frame.graph, v, inputs, self._frame.reserve)
        nests.write(self._slopes)
        first = 0
        for slope in self._slopes:

            def give(number: Value, value: Value, first: int = first) -> None:
                row = v.builder.add(begin, v.builder.add(I64(first), number))
                self._gradients.store(value, row)

            nests.each(slope, give)
            first += self._body.n_rows(slope)

    def _write_vector(self, step: Value, lane: Value) -> tuple[Value, Value]:
        """Make the product orthogonal to all vectors, and a vector of what is left.

        Writes what was along each of them to the caller; returns that along the latest one, and
        the length of what was left.
        """
        v, m, zero = self._v, self._m, self._v.splat(0.0, FLOAT64)
        count = v.builder.add(step, I64(1))
        v.repeat(count, lambda i: self._sums.store(zero, i))

        def once(_: Value) -> None:
            def less(i: Value) -> None:
                first = v.builder.mul(i, I64(m))

                def earlier(k: Value) -> Value:
                    return self._vectors.load(v.builder.add(first, k))

                along = self._summed(lambda k: (earlier(k), self._product.load(k)))
                self._sums.store(v.builder.fadd(self._sums.load(i), along), i)

                def subtract(k: Value) -> None:
                    part = v.builder.fmul(along, earlier(k))
                    self._product.store(v.builder.fsub(self._product.load(k), part), k)

                v.repeat(m, subtract)

            v.repeat(count, less)

        v.repeat(_TWICE, once)
        length = v.intrinsic(
            "sqrt", self._summed(lambda k: (self._product.load(k), self._product.load(k)))
        )
        b = v.builder
        some = b.fcmp_ordered(">", length, zero)
        divisor = b.select(some, length, v.splat(1.0, FLOAT64))
        following = b.mul(count, I64(m))
        v.repeat(
            m,
            lambda k: self._vectors.store(
                v.builder.fdiv(self._product.load(k), divisor), v.builder.add(following, k)
            ),
        )
        b = v.builder
        begin = b.udiv(b.mul(step, count), I64(2))
        v.repeat(count, lambda i: self._give(self._sums.load(i), v.builder.add(begin, i), lane))
        return self._sums.load(step), length

    def _summed(self, factors: Callable[[Value], tuple[Value, Value]]) -> Value:
        """Write the sum of products, from the first row on."""
        v = self._v
        begun = v.builder.fmul(*factors(I64(0)))

        def add(k: Value, carried: Sequence[Value]) -> list[Value]:
            product = v.builder.fmul(*factors(v.builder.add(k, I64(1))))
            return [v.builder.fadd(carried[0], product)]

        (total,) = self._each(self._m - 1, [begun], add)
        return total

    def _each(
        self,
        count: int,
        begun: Sequence[Value],
        write: Callable[[Value, Sequence[Value]], list[Value]],
        goes_on: Callable[[Sequence[Value]], Value] | None = None,
    ) -> list[Value]:
        return each(self._v, I64(count), begun, write, goes_on)

    def _place(self, k: Value) -> Value:
        """The row of a parameter that can move."""
        if self._moving is None:
            return k
        b = self._v.builder
        return b.load(b.gep(self._moving, [I64(0), k]))

    def _others(self, first: Value) -> dict[Variable, Value]:
        """What the graph is given beside parameters: in registers, or fetched into the block."""
        frame, v = self._frame, self._v
        if self._body is MemoryBody:
            for run in frame.runs:
                MemoryBody(frame).fetch(run, first)
            return {}
        inputs = list(enumerate(frame.graph.inputs))[self._n : -1 - self._m]
        return {
            x: v.load(v.address(frame.sources, i, first, x.type.dtype), x.type.dtype)
            for i, x in inputs
        }

    def _fetch(self, begin: Value, count: int, first: Value, rows: Rows) -> None:
        """Copy rows of the caller's."""
        v = self._v
        v.repeat(count, lambda k: rows.store(self._given(v.builder.add(begin, k), first), k))

    def _given(self, row: Value, first: Value) -> Value:
        """Lanes of a row that the caller gives."""
        frame = self._frame
        return self._v.load(frame.lanes_in(frame.sources, row, first, FLOAT64), FLOAT64)

    def _give(self, value: Value, row: Value, first: Value) -> None:
        """Write lanes of a row that the caller gets."""
        frame = self._frame
        self._v.store(value, frame.lanes_in(frame.targets, row, first, FLOAT64), FLOAT64)


def lanczos(
    graph: FunctionGraph,
    nested: bool,
    n_parameters: int,
    moving: Sequence[int],
    slopes: Sequence[Variable],
) -> ProgramText:
    """Write the program of a graph that evaluates parameters, its first inputs; see `Lanczos`.

    Returns
    -------
    ProgramText
        As `runner.engines.simd.control_flow.once` does. Its outputs are rows of float64: the upper
        triangles of the matrices, column by column, as far as steps were made, and the steps.
    """
    body: type[LoopBody] = MemoryBody if nested else RegisterBody
    frame = body.opened(graph, "function")
    parameters = graph.inputs[:n_parameters]
    return in_blocks(frame, Lanczos(frame, body, parameters, moving, slopes).write)
