"""The loop over a graph's strips: what is computed of each, and how it comes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytensor.scalar import basic as scalar
from pytensor.tensor.elemwise import CAReduce
from pytensor.tensor.math import Dot

from runner.engines.simd import matrix_multiplication
from runner.engines.simd.hypercube_writer import HypercubeWriter, face_sums
from runner.engines.simd.loop_nests import LoopNests
from runner.engines.simd.matrix_operations import combined, neutral
from runner.engines.simd.memory import Index, Matrix, static_shape
from runner.engines.simd.strip_mining import FaceSums, Strips
from runner.engines.simd.type_aliases import Pointer, Value, Variable
from runner.engines.simd.vectors import I64, Vectors


def write_strips(
    nests: LoopNests, strips: Strips, v: Vectors, reserve: Callable[[int], Pointer]
) -> None:
    """Write everything that is computed pattern by pattern, and note where the reductions lie.

    Parameters
    ----------
    nests : LoopNests
        Of the whole graph.
    strips : Strips
        The same graph, cut.
    v : Vectors
    reserve : callable
        As that of `LoopNests`.
    """
    buffers = nests.buffers
    scales = [face.scale for face in strips.faces if face.scale is not None]
    nests.write([*strips.shared, *scales, *(x for y in strips.layers.values() for x in y.given)])
    layers = [HypercubeWriter(buffers, layer, strips.size) for layer in strips.layers.values()]
    reductions = [_Reduction(nests, x, part, strips.n) for x, part in strips.reduced.items()]
    faces = [_FaceSums(nests, face, strips) for face in strips.faces]

    def strip(number: Value) -> None:
        inputs = [layer.write(number) for layer in layers]
        inputs += [buffers.at(x) for x in strips.shared]
        for x in strips.parted:
            there = buffers.at(x)
            first = v.builder.mul(number, I64(strips.size * there.strides[0]))
            base = v.builder.gep(there.base, [first])
            inputs.append(replace(there, base=base, shape=(strips.size, *there.shape[1:])))
        inner = LoopNests(strips.graph, v, inputs, reserve)
        inner.write([x for reduction in reductions for x in reduction.needed])
        for reduction in reductions:
            reduction.take(inner)
        for face in faces:
            face.take(inner, number)

    if strips.n > 1:
        v.repeat(strips.n, strip)
    else:
        strip(I64(0))
    for reduction in reductions:
        reduction.finish()
    for face in faces:
        face.finish()


class _Reduction:
    """A reduction over all patterns, while strips are added to it."""

    def __init__(self, nests: LoopNests, variable: Variable, part: Variable, n_strips: int) -> None:
        self._nests, self._variable, self._part, self._n_strips = nests, variable, part, n_strips
        # a product is added tile by tile, and need not lie in memory itself
        self._is_product = n_strips > 1 and isinstance(part.owner.op, Dot)
        self.needed = part.owner.inputs if self._is_product else [part]
        """What is to be written of a strip before it is taken."""
        op, dtype = variable.owner.op, variable.type.dtype
        self._op = op.scalar_op if isinstance(op, CAReduce) else scalar.add
        if n_strips > 1:
            self._place = nests.buffers.new(variable)
            _fill(nests, self._place, neutral(self._op, dtype) or 0.0)

    def take(self, inner: LoopNests) -> None:
        """Add a strip's."""
        if self._is_product:
            matrix_multiplication.add_product(inner.buffers, self._part, self._place)
            return
        part = inner.buffers.at(self._part)
        if self._n_strips == 1:
            self._place = part
            return
        buffers, place = self._nests.buffers, self._place

        def add(index: Index) -> None:
            before, more = (buffers.memory.load(x, index) for x in (place, part))
            value = combined(buffers.vectors, self._op, before, more, place.dtype)
            buffers.memory.store(value, place, index)

        buffers.memory.share(place.shape, add)

    def finish(self) -> None:
        """Note where it lies."""
        self._nests.put(self._variable, self._place)


class _FaceSums:
    """Sums whose terms corners share, while strips are added to them."""

    def __init__(self, nests: LoopNests, sums: FaceSums, strips: Strips) -> None:
        self._nests, self._sums, self._n_strips = nests, sums, strips.n
        self._patterns, self._units = static_shape(sums.summed)
        memory, dtype = nests.buffers.memory, sums.summed.type.dtype
        self._bits = strips.size.bit_length() - 1
        self._within = memory.new((self._bits, self._units), dtype)  # by bits of a place in a strip
        self._of_strips = memory.new((strips.n, self._units), dtype)
        if strips.n > 1:
            _fill(nests, self._within, 0.0)

    def take(self, inner: LoopNests, strip: Value) -> None:
        """Add a strip's."""
        v, memory = self._nests.buffers.vectors, self._nests.buffers.memory
        number = inner.reader(self._sums.summed)

        def unit(j: Value) -> None:
            terms = [lambda k=k: number([I64(k), j]) for k in range(self._patterns)]
            total, *faces = face_sums(v, terms)
            memory.store(total, self._of_strips, [strip, j])
            for k, value in enumerate(faces):
                if self._n_strips > 1:
                    value = v.builder.fadd(memory.load(self._within, [I64(k), j]), value)
                memory.store(value, self._within, [I64(k), j])

        v.share(self._units, unit)

    def finish(self) -> None:
        """Write the products with patterns and the sums over all of them."""
        buffers, sums = self._nests.buffers, self._sums
        v, memory = buffers.vectors, buffers.memory
        products = [buffers.new(x) for x in sums.products]
        totals = [buffers.new(x) for x in sums.totals]

        def unit(j: Value) -> None:
            b, total, faces = v.builder, *self._all(j)
            for place in totals:
                memory.store(total, place, [j])
            for i, (low, high) in enumerate(
                zip(sums.hypercube.low, sums.hypercube.high, strict=True)
            ):
                value = faces[-1 - i]  # the last input changes fastest
                if high - low != 1:
                    value = b.fmul(value, v.constant_like(high - low, value))
                if low:
                    value = v.fused(total, v.constant_like(low, total), value)
                for place in products:
                    memory.store(value, place, [j, I64(i)])

        v.share(self._units, unit)
        for x, place in zip((*sums.products, *sums.totals), (*products, *totals), strict=True):
            self._nests.put(x, place)

    def _all(self, j: Value) -> tuple[Value, list[Value]]:
        """A unit's sum over all patterns, and those over the patterns that each bit is 1 in."""
        buffers, memory = self._nests.buffers, self._nests.buffers.memory
        parts = [
            lambda k=k: memory.load(self._of_strips, [I64(k), j]) for k in range(self._n_strips)
        ]
        total, *between = face_sums(buffers.vectors, parts)
        faces = [memory.load(self._within, [I64(k), j]) for k in range(self._bits)] + between
        if self._sums.scale is None:
            return total, faces
        factor = memory.load(buffers.at(self._sums.scale), [I64(0), j])
        total, *faces = (buffers.vectors.builder.fmul(x, factor) for x in (total, *faces))
        return total, faces


def _fill(nests: LoopNests, place: Matrix, number: float) -> None:
    memory = nests.buffers.memory
    value = nests.buffers.vectors.splat(number, place.dtype)
    memory.share(place.shape, lambda index: memory.store(value, place, index))
