"""A graph of matrices, written as one nest of loops after the other.

The matrices are those of one restart, and each of their numbers is a vector over lanes. So a
product of matrices is a product for every lane, whose loops hold a tile of vectors in registers,
and everything that is elementwise is written by `line`, once, inside a loop over the
matrix. What is used once is computed where it is used; the rest lies in memory.

A sum has one order, that of its indices, so its bits do not depend on tiles or lanes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np
from pytensor.graph.basic import Constant, clone_get_equiv
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.basic import Alloc, Join, Split
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.subtensor import IncSubtensor, Subtensor, indices_from_subtensor

from runner.engines.simd import scalar_operations
from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.exponents import Analysis, operation_name
from runner.engines.simd.fusion import Fusion, source
from runner.engines.simd.memory import Index, Matrix, Memory, matrix, static_shape, strides
from runner.engines.simd.scalar_operations import Arguments
from runner.engines.simd.vectors import FLOATS, I64, Vectors

_TILE = (4, 3)
"""Rows and columns of a product that are in registers at once: 12 of AVX's 16."""

_TERMS = 8
"""Terms of a product's sums that are written out, one after the other."""

_SUMS = 8
"""Sums that are taken at once where they are a row or column: so many latencies overlap."""

_REDUCTIONS: dict[str, tuple[Container[str], float]] = {
    "Add": (FLOATS, 0.0),
    "Maximum": (FLOATS, -np.inf),
    "AND": (("bool",), True),
}
"""What numbers are reduced by which scalar operation, and from which value on."""


class Nests:
    """Writes a graph's operations, each as a nest of loops.

    Parameters
    ----------
    graph : FunctionGraph
        Its variables have static shapes.
    vectors : Vectors
        Where they stand, the operations are written.
    inputs : sequence of pointers
        Where each input of the graph lies: vector after vector, in C order.
    reserve : callable
        Gives a pointer to so many bytes that are not used otherwise.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        vectors: Vectors,
        inputs: Sequence[Any],
        reserve: Callable[[int], Any],
    ) -> None:
        self.graph, self._v = graph, vectors
        self._memory = Memory(vectors, reserve)
        self._left = graph.toposort()
        self._matrices = {
            x: matrix(place, static_shape(x), x.type.dtype)
            for x, place in zip(graph.inputs, inputs, strict=True)
        }
        self._fusion = Fusion(graph)

    def write(self, variables: Sequence[Any]) -> None:
        """Write what some variables need and is not there yet."""
        for node in self._needed(variables):
            self._write(node)

    def replace(self, variables: Sequence[Any], inputs: Sequence[Any]) -> None:
        """Write variables, and put each where an input lies that is needed for nothing else."""
        places: dict[Any, list[Any]] = {}
        for variable, old in zip(variables, inputs, strict=True):
            if variable is not old:
                places.setdefault(variable, []).append(old)
        nodes = self._needed(variables)
        last = self._fusion.waiting(nodes, places)
        for node in nodes:
            if node not in last:
                self._write(node)
        aside = {x: self._new(x) for x in places if source(x) in inputs}
        for variable, copied in aside.items():  # before it is overwritten
            self._memory.copy(self._at(variable), copied)
        while last:
            node = last.pop(0)
            (out,) = node.outputs
            old, later = places[out][0], (n.outputs[0] for n in last)
            reads = self._fusion.reads
            if self._fusion.spoils(out, old) or any(old in reads(x) for x in later):
                self._write(node)
            else:
                self._matrices[out] = self._elementwise(out, self._matrices[old])
                places[out].pop(0)
        for variable, olds in places.items():
            for old in olds:
                there = aside[variable] if variable in aside else self._at(variable)
                self._memory.copy(there, self._matrices[old])

    def number(self, variable: Any) -> Any:
        """The vector of a variable without axes."""
        return self._memory.load(self._at(variable), [])

    def each(self, variable: Any, take: Callable[[Any, Any], None]) -> None:
        """Write a loop over the vectors of a variable, in C order.

        ``take`` is told the number of each, a value of the program, and the vector.
        """
        there = self._at(variable)

        def one(index: list[Any]) -> None:
            b, number = self._v.builder, I64(0)
            for position, stride in zip(index, strides(there.shape), strict=True):
                number = b.add(number, b.mul(position, I64(stride)))
            take(number, self._memory.load(there, index))

        self._memory.nest(there.shape, one)

    def _needed(self, variables: Sequence[Any]) -> list[Any]:
        """Return the nodes that some variables need and that are not written yet, in order."""
        needed, left = set(), list(variables)
        while left:
            node = left.pop().owner
            if node is not None and node not in needed:
                needed.add(node)
                # what a shape is made of is known
                left += node.inputs[:1] if isinstance(node.op, Alloc) else node.inputs
        now = [node for node in self._left if node in needed]
        self._left = [node for node in self._left if node not in needed]
        return now

    def _write(self, node: Any) -> None:
        """Write an operation, or leave it to what it is a part of."""
        out, *_ = node.outputs
        for op, write in _OPERATIONS:
            if isinstance(node.op, op):
                found = write(self, node)
                if found is not None:
                    self._matrices[out] = found
                return
        raise UnknownOperation(str(node.op))

    def _at(self, variable: Any) -> Matrix:
        """Where a variable lies; constants are put there now."""
        if variable not in self._matrices:
            self._matrices[variable] = self._memory.constant(variable.data)
        return self._matrices[variable]

    def _new(self, variable: Any) -> Matrix:
        return self._memory.new(static_shape(variable), variable.type.dtype)

    def _dim_shuffle(self, node: Any) -> Matrix:
        return self._memory.shuffled(self._at(node.inputs[0]), node.op.new_order)

    def _alloc(self, node: Any) -> Matrix:
        return self._memory.stretched(self._at(node.inputs[0]), static_shape(node.outputs[0]))

    def _subtensor(self, node: Any) -> Matrix:
        whole, *indices = node.inputs
        return self._memory.cut(self._at(whole), _index(indices, node.op))

    def _split(self, node: Any) -> None:
        whole, *others = node.inputs
        for out, place in _along(node.op, others, node.outputs):
            self._matrices[out] = self._memory.cut(self._at(whole), place)

    def _join(self, node: Any) -> Matrix:
        (out,) = node.outputs
        target = self._new(out)
        parts = [x for x in node.inputs if x.type.ndim == out.type.ndim]
        for part, place in _along(node.op, node.inputs, parts):
            self._memory.copy(self._at(part), self._memory.cut(target, place))
        return target

    def _inc_subtensor(self, node: Any) -> Matrix:
        """Copy a matrix and put another into a part of it, or add it there."""
        base, part, *indices = node.inputs
        memory, whole = self._memory, self._new(node.outputs[0])
        memory.copy(self._at(base), whole)
        target = memory.cut(whole, _index(indices, node.op))
        other = memory.stretched(self._at(part), target.shape)
        if node.op.set_instead_of_inc:
            memory.copy(other, target)
            return whole
        if other.dtype != whole.dtype or whole.dtype not in FLOATS:
            raise UnknownOperation(f"{node.op} of {other.dtype} and {whole.dtype}")

        def add(index: list[Any]) -> None:
            a, b = (memory.load(x, index) for x in (target, other))
            memory.store(self._v.builder.fadd(a, b), target, index)

        memory.nest(target.shape, add)
        return whole

    def _elemwise(self, node: Any) -> Matrix | None:
        (out,) = node.outputs
        return None if out in self._fusion.inline else self._elementwise(out, self._new(out))

    def _elementwise(self, out: Any, target: Matrix) -> Matrix:
        """Write an elementwise variable, if it can be along with a product that is part of it."""
        *others, last = [x for x in self._fusion.leaves(out) if x in self._fusion.parts] or [None]
        for product in others:
            self._matrices[product] = self._product(product)
        number, memory = self._expression(out, last), self._memory
        if last is None:
            memory.nest(target.shape, lambda index: memory.store(number(index), target, index))
            return target

        def finish(index: Index, vector: Any) -> None:
            memory.store(number(index, vector), target, index)

        self._multiply(last, finish)
        return target

    def _expression(self, variable: Any, product: Any = None) -> Callable[..., Any]:
        """Return what computes an elementwise variable's number, with all that is only used there.

        It is told an index, and if there is a product in it, the product's vector there. All else
        that is needed is read from memory.
        """
        leaves = self._fusion.leaves(variable)
        stand_ins = [leaf.type() for leaf in leaves]
        cloned: dict[Any, Any] = dict(zip(leaves, stand_ins, strict=True))
        clone_get_equiv([], [variable], memo=cloned)
        part = FunctionGraph(stand_ins, [cloned[variable]], clone=False)
        analysis, memory, shape = Analysis(part), self._memory, static_shape(variable)
        read = {x: memory.stretched(self._at(x), shape) for x in leaves if x is not product}

        def write(index: Index, vector: Any = None) -> Any:
            values = [vector if x is product else memory.load(read[x], index) for x in leaves]
            given = dict(zip(part.inputs, values, strict=True))
            return ElementwiseWriter(analysis, self._v, given).write(part.outputs)[0]

        return write

    def _reader(self, variable: Any) -> Callable[[Index], Any]:
        """Return what computes a variable's number at an index, or reads it."""
        if variable in self._fusion.inline:
            return self._expression(variable)
        place = self._at(variable)
        return lambda index: self._memory.load(place, index)

    def _dot(self, node: Any) -> Matrix | None:
        (out,) = node.outputs
        return None if out in self._fusion.parts else self._product(out)

    def _product(self, product: Any) -> Matrix:
        """Write a product of matrices into memory."""
        target = self._new(product)
        self._multiply(product, lambda index, vector: self._memory.store(vector, target, index))
        return target

    def _multiply(self, product: Any, finish: Callable[[Index, Any], None]) -> None:
        """Write a product of matrices, tile by tile; ``finish`` is told every number of it."""
        v, memory, node = self._v, self._memory, product.owner
        a, b = (self._at(x) for x in node.inputs)
        if len(a.shape) != 2 or len(b.shape) != 2 or a.dtype != b.dtype or a.dtype not in FLOATS:
            raise UnknownOperation(f"{node.op} of {node.inputs[0].type} and {node.inputs[1].type}")
        (rows, inner), columns = a.shape, b.shape[1]

        def write(tile: list[list[Any]]) -> None:
            places = list(itertools.product(*tile))
            sums = [self._running(a.dtype, 0.0) for _ in places]

            def add(terms: list[list[Any]]) -> None:
                for k in terms[0]:
                    left = {row: memory.load(a, [row, k]) for row in tile[0]}
                    right = {column: memory.load(b, [k, column]) for column in tile[1]}
                    for (row, column), held in zip(places, sums, strict=True):
                        before = v.builder.load(held)
                        v.builder.store(v.fused(left[row], right[column], before), held)

            memory.tiles([inner], [_TERMS], add)
            for place, held in zip(places, sums, strict=True):
                finish(place, v.builder.load(held))

        sizes = (_SUMS, 1) if columns == 1 else (1, _SUMS) if rows == 1 else _TILE
        memory.tiles((rows, columns), sizes, write)

    def _running(self, dtype: str, value: float) -> Any:
        """A variable of the program, which LLVM keeps in a register."""
        place = self._v.entry.alloca(self._v.type(dtype))
        self._v.builder.store(self._v.splat(value, dtype), place)
        return place

    def _reduction(self, node: Any) -> Matrix:
        """Write a sum, a maximum or a conjunction along some axes, in the dtype of the result."""
        (summed,), (out,) = node.inputs, node.outputs
        name, shape, dtype = operation_name(node), static_shape(summed), out.type.dtype
        kinds, neutral = _REDUCTIONS.get(name, ((), 0.0))
        if dtype not in kinds or summed.type.dtype != dtype:
            raise UnknownOperation(f"{node.op} of {summed.type}")
        v, memory, target = self._v, self._memory, self._new(out)
        axes = range(len(shape)) if node.op.axis is None else node.op.axis
        along = [axis % len(shape) for axis in axes]
        kept = [axis for axis in range(len(shape)) if axis not in along]
        number = self._reader(summed)

        def combined(a: Any, b: Any) -> Any:
            if name == "Add":
                return v.builder.fadd(a, b)
            given = Arguments(v, [a, b], dtype, dtype)
            return scalar_operations.write(node.op.scalar_op, given)

        def write(tile: list[list[Any]]) -> None:
            positions = list(itertools.product(*tile))
            sums = [self._running(dtype, neutral) for _ in positions]

            def take(inside: list[Any]) -> None:
                for position, held in zip(positions, sums, strict=True):
                    index = dict(zip([*kept, *along], [*position, *inside], strict=True))
                    value = number([index[axis] for axis in sorted(index)])
                    v.builder.store(combined(v.builder.load(held), value), held)

            memory.nest([shape[axis] for axis in along], take)
            for position, held in zip(positions, sums, strict=True):
                memory.store(v.builder.load(held), target, position)

        sizes = [*[1] * (len(kept) - 1), _SUMS][: len(kept)]
        memory.tiles(target.shape, sizes, write)
        return target


_OPERATIONS: list[tuple[Any, Callable[[Nests, Any], Matrix | None]]] = [
    (DimShuffle, Nests._dim_shuffle),
    (Alloc, Nests._alloc),
    (Subtensor, Nests._subtensor),
    (Split, Nests._split),
    (Join, Nests._join),
    (IncSubtensor, Nests._inc_subtensor),
    (Dot, Nests._dot),
    (CAReduce, Nests._reduction),
    (Elemwise, Nests._elemwise),
]
"""What writes which operation, and tells where its result lies if that is in memory."""


def _along(op: Any, inputs: Sequence[Any], parts: Sequence[Any]) -> list[tuple[Any, list[slice]]]:
    """Which place each of some parts takes that follow each other along an operation's axis."""
    # an input, the first one, before PyTensor 3.3
    axis = op.axis if hasattr(op, "axis") else _integer(inputs[0])
    axis %= parts[0].type.ndim
    first, found = 0, []
    for part in parts:
        after = first + static_shape(part)[axis]
        found.append((part, [*[slice(None)] * axis, slice(first, after)]))
        first = after
    return found


def _index(variables: Sequence[Any], op: Any) -> list[int | slice]:
    """The numbers and slices by which a part is taken."""
    found: list[int | slice] = []
    for entry in indices_from_subtensor(variables, op.idx_list):
        if isinstance(entry, slice):
            bounds = (entry.start, entry.stop, entry.step)
            found.append(slice(*(None if x is None else _integer(x) for x in bounds)))
        else:
            found.append(_integer(entry))
    return found


def _integer(variable: Any) -> int:
    """The integer that a constant is."""
    if not isinstance(variable, Constant):
        raise UnknownOperation(f"an index that is no constant: {variable}")
    return int(variable.data)
