"""Elementwise variables and products of matrices, as loops over one matrix.

A product is a product for every lane, whose loops hold a tile of vectors in registers. What is
elementwise is written once, inside a loop over the matrix; what it is computed from and nothing
else needs is computed there too, number by number, and so is what follows a product.

A sum has one order, that of its indices, so its bits do not depend on tiles or lanes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from pytensor.graph.basic import clone_get_equiv
from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.matrices import Matrices
from runner.engines.simd.memory import Index, Matrix, static_shape
from runner.engines.simd.names import Value, Variable
from runner.engines.simd.vectors import FLOATS

TILE = (4, 3)
"""Rows and columns of a product that are in registers at once: 12 of AVX's 16."""

TERMS = 8
"""Terms of a product's sums that are written out, one after the other."""

SUMS = 8
"""Sums that are taken at once where they are a row or column: so many latencies overlap."""


def elementwise(matrices: Matrices, out: Variable, target: Matrix) -> Matrix:
    """Write an elementwise variable, if it can be along with a product that is part of it."""
    memory, fusion = matrices.memory, matrices.fusion
    *others, last = [x for x in fusion.leaves(out) if x in fusion.parts] or [None]
    for each in others:
        matrices.put(each, product(matrices, each))
    number = expression(matrices, out, last)
    if last is None:
        memory.share(target.shape, lambda index: memory.store(number(index, None), target, index))
        return target

    def finish(index: Index, vector: Value) -> None:
        memory.store(number(index, vector), target, index)

    _multiply(matrices, last, finish)
    return target


def reader(matrices: Matrices, variable: Variable) -> Callable[[Index], Value]:
    """Return what computes a variable's number at an index, or reads it."""
    if variable in matrices.fusion.inline:
        number = expression(matrices, variable)
        return lambda index: number(index, None)
    place = matrices.at(variable)
    return lambda index: matrices.memory.load(place, index)


def product(matrices: Matrices, out: Variable) -> Matrix:
    """Write a product of matrices into memory."""
    target = matrices.new(out)
    _multiply(matrices, out, lambda index, v: matrices.memory.store(v, target, index))
    return target


def expression(
    matrices: Matrices, variable: Variable, part: Variable | None = None
) -> Callable[[Index, Value | None], Value]:
    """Return what computes an elementwise variable's number, with all that is only used there.

    It is given an index and, if a product is ``part`` of the variable, that one's vector there. All
    else that is needed is read from memory.
    """
    leaves = matrices.fusion.leaves(variable)
    stand_ins = [leaf.type() for leaf in leaves]
    cloned: dict[Variable, Variable] = dict(zip(leaves, stand_ins, strict=True))
    clone_get_equiv([], [variable], memo=cloned)
    graph = FunctionGraph(stand_ins, [cloned[variable]], clone=False)
    analysis, memory, shape = Analysis(graph), matrices.memory, static_shape(variable)
    read = {x: memory.stretched(matrices.at(x), shape) for x in leaves if x is not part}

    def write(index: Index, vector: Value | None) -> Value:
        values = [vector if x is part else memory.load(read[x], index) for x in leaves]
        given = dict(zip(graph.inputs, values, strict=True))
        return ElementwiseWriter(analysis, matrices.vectors, given).write(graph.outputs)[0]

    return write


def _multiply(matrices: Matrices, out: Variable, finish: Callable[[Index, Value], None]) -> None:
    """Write a product of matrices, tile by tile; ``finish`` is given every number of it."""
    v, memory, node = matrices.vectors, matrices.memory, out.owner
    a, b = (matrices.at(x) for x in node.inputs)
    if len(a.shape) != 2 or len(b.shape) != 2 or a.dtype != b.dtype or a.dtype not in FLOATS:
        raise UnknownOperation(f"{node.op} of {node.inputs[0].type} and {node.inputs[1].type}")
    (rows, inner), columns = a.shape, b.shape[1]

    def write(tile: Sequence[Index]) -> None:
        places = list(itertools.product(*tile))
        sums = [matrices.running(a.dtype, 0.0) for _ in places]

        def add(terms: Sequence[Index]) -> None:
            for k in terms[0]:
                left = {row: memory.load(a, [row, k]) for row in tile[0]}
                right = {column: memory.load(b, [k, column]) for column in tile[1]}
                for (row, column), running in zip(places, sums, strict=True):
                    before = v.builder.load(running)
                    v.builder.store(v.fused(left[row], right[column], before), running)

        memory.tiles([inner], [TERMS], add)
        for place, running in zip(places, sums, strict=True):
            finish(place, v.builder.load(running))

    sizes = (SUMS, 1) if columns == 1 else (1, SUMS) if rows == 1 else TILE
    memory.share_tiles((rows, columns), sizes, write)
