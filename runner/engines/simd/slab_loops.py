"""The loop over a graph's slabs: what is computed of each, and how it comes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytensor.scalar import basic as scalar
from pytensor.tensor.elemwise import CAReduce
from pytensor.tensor.math import Dot

from runner.engines.simd import products
from runner.engines.simd.corners import CornerWriter, face_sums
from runner.engines.simd.loop_nests import Nests
from runner.engines.simd.matrix_operations import combined, neutral
from runner.engines.simd.memory import Index, Matrix, static_shape
from runner.engines.simd.names import Pointer, Value, Variable
from runner.engines.simd.slabs import FaceSums, Slabs
from runner.engines.simd.vectors import I64, Vectors


def write_slabs(nests: Nests, slabs: Slabs, v: Vectors, reserve: Callable[[int], Pointer]) -> None:
    """Write everything that is computed pattern by pattern, and note where the reductions lie.

    Parameters
    ----------
    nests : Nests
        Of the whole graph.
    slabs : Slabs
        The same graph, cut.
    v : Vectors
    reserve : callable
        As that of `Nests`.
    """
    matrices = nests.matrices
    scales = [face.scale for face in slabs.faces if face.scale is not None]
    nests.write([*slabs.shared, *scales, *(x for y in slabs.layers.values() for x in y.given)])
    layers = [CornerWriter(matrices, layer, slabs.size) for layer in slabs.layers.values()]
    reductions = [_Reduction(nests, x, part, slabs.n) for x, part in slabs.reduced.items()]
    faces = [_Faces(nests, face, slabs) for face in slabs.faces]

    def slab(number: Value) -> None:
        inputs = [layer.write(number) for layer in layers]
        inputs += [matrices.at(x) for x in slabs.shared]
        for x in slabs.parted:
            there = matrices.at(x)
            first = v.builder.mul(number, I64(slabs.size * there.strides[0]))
            base = v.builder.gep(there.base, [first])
            inputs.append(replace(there, base=base, shape=(slabs.size, *there.shape[1:])))
        inner = Nests(slabs.graph, v, inputs, reserve)
        inner.write([x for reduction in reductions for x in reduction.needed])
        for reduction in reductions:
            reduction.take(inner)
        for face in faces:
            face.take(inner, number)

    if slabs.n > 1:
        v.repeat(slabs.n, slab)
    else:
        slab(I64(0))
    for reduction in reductions:
        reduction.finish()
    for face in faces:
        face.finish()


class _Reduction:
    """A reduction over all patterns, while slabs are added to it."""

    def __init__(self, nests: Nests, variable: Variable, part: Variable, n_slabs: int) -> None:
        self._nests, self._variable, self._part, self._n_slabs = nests, variable, part, n_slabs
        # a product is added tile by tile, and need not lie in memory itself
        self._is_product = n_slabs > 1 and isinstance(part.owner.op, Dot)
        self.needed = part.owner.inputs if self._is_product else [part]
        """What is to be written of a slab before it is taken."""
        op, dtype = variable.owner.op, variable.type.dtype
        self._op = op.scalar_op if isinstance(op, CAReduce) else scalar.add
        if n_slabs > 1:
            self._place = nests.matrices.new(variable)
            _fill(nests, self._place, neutral(self._op, dtype) or 0.0)

    def take(self, inner: Nests) -> None:
        """Add a slab's."""
        if self._is_product:
            products.add_product(inner.matrices, self._part, self._place)
            return
        part = inner.matrices.at(self._part)
        if self._n_slabs == 1:
            self._place = part
            return
        matrices, place = self._nests.matrices, self._place

        def add(index: Index) -> None:
            before, more = (matrices.memory.load(x, index) for x in (place, part))
            value = combined(matrices.vectors, self._op, before, more, place.dtype)
            matrices.memory.store(value, place, index)

        matrices.memory.share(place.shape, add)

    def finish(self) -> None:
        """Note where it lies."""
        self._nests.put(self._variable, self._place)


class _Faces:
    """Sums whose terms corners share, while slabs are added to them."""

    def __init__(self, nests: Nests, sums: FaceSums, slabs: Slabs) -> None:
        self._nests, self._sums, self._n_slabs = nests, sums, slabs.n
        self._patterns, self._units = static_shape(sums.summed)
        memory, dtype = nests.matrices.memory, sums.summed.type.dtype
        self._bits = slabs.size.bit_length() - 1
        self._within = memory.new((self._bits, self._units), dtype)  # by bits of a place in a slab
        self._of_slabs = memory.new((slabs.n, self._units), dtype)
        if slabs.n > 1:
            _fill(nests, self._within, 0.0)

    def take(self, inner: Nests, slab: Value) -> None:
        """Add a slab's."""
        v, memory = self._nests.matrices.vectors, self._nests.matrices.memory
        number = inner.reader(self._sums.summed)

        def unit(j: Value) -> None:
            terms = [lambda k=k: number([I64(k), j]) for k in range(self._patterns)]
            total, *faces = face_sums(v, terms)
            memory.store(total, self._of_slabs, [slab, j])
            for k, value in enumerate(faces):
                if self._n_slabs > 1:
                    value = v.builder.fadd(memory.load(self._within, [I64(k), j]), value)
                memory.store(value, self._within, [I64(k), j])

        v.share(self._units, unit)

    def finish(self) -> None:
        """Write the products with patterns and the sums over all of them."""
        matrices, sums = self._nests.matrices, self._sums
        v, memory = matrices.vectors, matrices.memory
        products = [matrices.new(x) for x in sums.products]
        totals = [matrices.new(x) for x in sums.totals]

        def unit(j: Value) -> None:
            b, total, faces = v.builder, *self._all(j)
            for place in totals:
                memory.store(total, place, [j])
            for i, (low, high) in enumerate(zip(sums.cube.low, sums.cube.high, strict=True)):
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
        matrices, memory = self._nests.matrices, self._nests.matrices.memory
        parts = [lambda k=k: memory.load(self._of_slabs, [I64(k), j]) for k in range(self._n_slabs)]
        total, *between = face_sums(matrices.vectors, parts)
        faces = [memory.load(self._within, [I64(k), j]) for k in range(self._bits)] + between
        if self._sums.scale is None:
            return total, faces
        factor = memory.load(matrices.at(self._sums.scale), [I64(0), j])
        total, *faces = (matrices.vectors.builder.fmul(x, factor) for x in (total, *faces))
        return total, faces


def _fill(nests: Nests, place: Matrix, number: float) -> None:
    memory = nests.matrices.memory
    value = nests.matrices.vectors.splat(number, place.dtype)
    memory.share(place.shape, lambda index: memory.store(value, place, index))
