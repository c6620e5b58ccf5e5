"""Elementwise variables of a graph of matrices, each written as one loop over its matrix.

What a variable is computed from and nothing else needs is computed in the same loop, number by
number (`runner.engines.simd.fusion` finds it), and so is what follows a product.
"""

from __future__ import annotations

from collections.abc import Callable

from pytensor.graph.basic import clone_get_equiv
from pytensor.graph.fg import FunctionGraph

from runner.engines.simd.buffers import Buffers
from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.matrix_multiplication import multiply, product
from runner.engines.simd.memory import Index, Matrix, static_shape
from runner.engines.simd.type_aliases import Value, Variable


def write(buffers: Buffers, out: Variable, target: Matrix) -> Matrix:
    """Write an elementwise variable, if it can be along with a product that is part of it."""
    memory, fusion = buffers.memory, buffers.fusion
    *others, last = [x for x in fusion.leaves(out) if x in fusion.parts] or [None]
    for each in others:
        buffers.put(each, product(buffers, each))
    number = expression(buffers, out, last)
    if last is None:
        memory.share(target.shape, lambda index: memory.store(number(index, None), target, index))
        return target

    def finish(index: Index, vector: Value) -> None:
        memory.store(number(index, vector), target, index)

    multiply(buffers, last, finish)
    return target


def reader(buffers: Buffers, variable: Variable) -> Callable[[Index], Value]:
    """Return what computes a variable's number at an index, or reads it."""
    if variable in buffers.fusion.inline:
        number = expression(buffers, variable)
        return lambda index: number(index, None)
    place = buffers.at(variable)
    return lambda index: buffers.memory.load(place, index)


def expression(
    buffers: Buffers, variable: Variable, part: Variable | None = None
) -> Callable[[Index, Value | None], Value]:
    """Return what computes an elementwise variable's number, with all that is only used there.

    It is given an index and, if a product is ``part`` of the variable, that one's vector there. All
    else that is needed is read from memory.
    """
    leaves = buffers.fusion.leaves(variable)
    stand_ins = [leaf.type() for leaf in leaves]
    cloned: dict[Variable, Variable] = dict(zip(leaves, stand_ins, strict=True))
    clone_get_equiv([], [variable], memo=cloned)
    graph = FunctionGraph(stand_ins, [cloned[variable]], clone=False)
    analysis, memory, shape = Analysis(graph), buffers.memory, static_shape(variable)
    read = {x: memory.stretched(buffers.at(x), shape) for x in leaves if x is not part}

    def write(index: Index, vector: Value | None) -> Value:
        values = [vector if x is part else memory.load(read[x], index) for x in leaves]
        given = dict(zip(graph.inputs, values, strict=True))
        return ElementwiseWriter(analysis, buffers.vectors, given).write(graph.outputs)[0]

    return write
