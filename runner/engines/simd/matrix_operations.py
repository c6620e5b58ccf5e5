"""The operations on matrices: how each is written, by its class in PyTensor.

What transposes, stretches or cuts a matrix only says where its numbers lie.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import singledispatch

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.scalar import basic as scalar
from pytensor.tensor.basic import Alloc, Join, Split
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.subtensor import IncSubtensor, Subtensor, indices_from_subtensor

from runner.engines.simd import elementwise_loops, matrix_multiplication, scalar_operations
from runner.engines.simd.buffers import Buffers
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.memory import Index, Matrix, static_shape
from runner.engines.simd.type_aliases import Node, Op, Value, Variable
from runner.engines.simd.vectors import FLOATS, Vectors


@singledispatch
def write(op: Op, buffers: Buffers, node: Node) -> Matrix | None:
    """Write an operation; return where its result lies.

    Returns
    -------
    Matrix, optional
        None where it is left to what it is a part of, or there are several results, all noted.

    Raises
    ------
    UnknownOperation
        If it is not known.
    """
    raise UnknownOperation(str(op))


@write.register
def _dim_shuffle(op: DimShuffle, buffers: Buffers, node: Node) -> Matrix:
    return buffers.memory.shuffled(buffers.at(node.inputs[0]), op.new_order)


@write.register
def _alloc(op: Alloc, buffers: Buffers, node: Node) -> Matrix:
    return buffers.memory.stretched(buffers.at(node.inputs[0]), static_shape(node.outputs[0]))


@write.register
def _subtensor(op: Subtensor, buffers: Buffers, node: Node) -> Matrix:
    whole, *indices = node.inputs
    return buffers.memory.cut(buffers.at(whole), _index(indices, op))


@write.register
def _split(op: Split, buffers: Buffers, node: Node) -> None:
    whole, *others = node.inputs
    for out, place in _along(op, others, node.outputs):
        buffers.put(out, buffers.memory.cut(buffers.at(whole), place))


@write.register
def _join(op: Join, buffers: Buffers, node: Node) -> Matrix:
    (out,), memory = node.outputs, buffers.memory
    target = buffers.new(out)
    parts = [x for x in node.inputs if x.type.ndim == out.type.ndim]
    for part, place in _along(op, node.inputs, parts):
        memory.copy(buffers.at(part), memory.cut(target, place))
    return target


@write.register
def _inc_subtensor(op: IncSubtensor, buffers: Buffers, node: Node) -> Matrix:
    """Copy a matrix and put another into a part of it, or add it there."""
    base, part, *indices = node.inputs
    memory, whole = buffers.memory, buffers.new(node.outputs[0])
    memory.copy(buffers.at(base), whole)
    target = memory.cut(whole, _index(indices, op))
    other = memory.stretched(buffers.at(part), target.shape)
    if op.set_instead_of_inc:
        memory.copy(other, target)
        return whole
    if other.dtype != whole.dtype or whole.dtype not in FLOATS:
        raise UnknownOperation(f"{op} of {other.dtype} and {whole.dtype}")

    def add(index: Index) -> None:
        a, b = (memory.load(x, index) for x in (target, other))
        memory.store(buffers.vectors.builder.fadd(a, b), target, index)

    memory.share(target.shape, add)
    return whole


@write.register
def _dot(op: Dot, buffers: Buffers, node: Node) -> Matrix | None:
    (out,) = node.outputs
    return None if out in buffers.fusion.parts else matrix_multiplication.product(buffers, out)


@write.register
def _elemwise(op: Elemwise, buffers: Buffers, node: Node) -> Matrix | None:
    (out,) = node.outputs
    if out in buffers.fusion.inline:
        return None
    return elementwise_loops.write(buffers, out, buffers.new(out))


@write.register
def _reduction(op: CAReduce, buffers: Buffers, node: Node) -> Matrix:
    """Write a sum, a maximum or a conjunction along some axes, in the dtype of the result."""
    (summed,), (out,) = node.inputs, node.outputs
    shape, dtype = static_shape(summed), out.type.dtype
    start = neutral(op.scalar_op, dtype)
    if start is None or summed.type.dtype != dtype:
        raise UnknownOperation(f"{op} of {summed.type}")
    v, memory, target = buffers.vectors, buffers.memory, buffers.new(out)
    along = [axis % len(shape) for axis in (range(len(shape)) if op.axis is None else op.axis)]
    kept = [axis for axis in range(len(shape)) if axis not in along]
    number = elementwise_loops.reader(buffers, summed)

    def write_tile(tile: Sequence[Index]) -> None:
        positions = list(itertools.product(*tile))
        sums = [buffers.running(dtype, start) for _ in positions]

        def take(inside: Index) -> None:
            for position, running in zip(positions, sums, strict=True):
                index = dict(zip([*kept, *along], [*position, *inside], strict=True))
                value = number([index[axis] for axis in sorted(index)])
                before = v.builder.load(running)
                v.builder.store(combined(v, op.scalar_op, before, value, dtype), running)

        memory.nest([shape[axis] for axis in along], take)
        for position, running in zip(positions, sums, strict=True):
            memory.store(v.builder.load(running), target, position)

    sizes = [*[1] * (len(kept) - 1), matrix_multiplication.SUMS][: len(kept)]
    memory.share_tiles(target.shape, sizes, write_tile)
    return target


def combined(v: Vectors, op: Op, a: Value, b: Value, dtype: str) -> Value:
    """Write one more step of a reduction by a scalar operation."""
    if isinstance(op, scalar.Add):
        return v.builder.fadd(a, b)
    given = scalar_operations.Arguments(v, [a, b], dtype, dtype)
    return scalar_operations.write(op, given)


def neutral(op: Op, dtype: str) -> float | None:
    """The value from which numbers of a dtype are reduced; None if there is no such reduction."""
    if isinstance(op, scalar.AND):
        return True if dtype == "bool" else None
    if dtype not in FLOATS or not isinstance(op, scalar.Add | scalar.Maximum):
        return None
    return 0.0 if isinstance(op, scalar.Add) else -np.inf


def _along(
    op: Op, inputs: Sequence[Variable], parts: Sequence[Variable]
) -> Iterator[tuple[Variable, list[slice]]]:
    """The place of each of some parts that follow each other along an operation's axis."""
    # an input, the first one, before PyTensor 3.3
    axis = op.axis if hasattr(op, "axis") else _integer(inputs[0])
    axis %= parts[0].type.ndim
    first = 0
    for part in parts:
        after = first + static_shape(part)[axis]
        yield part, [*[slice(None)] * axis, slice(first, after)]
        first = after


def _index(variables: Sequence[Variable], op: Op) -> list[int | slice]:
    """The numbers and slices by which a part is taken."""
    index: list[int | slice] = []
    for entry in indices_from_subtensor(variables, op.idx_list):
        if isinstance(entry, slice):
            bounds = (entry.start, entry.stop, entry.step)
            index.append(slice(*(None if x is None else _integer(x) for x in bounds)))
        else:
            index.append(_integer(entry))
    return index


def _integer(variable: Variable) -> int:
    """The integer that a constant is."""
    if not isinstance(variable, Constant):
        raise UnknownOperation(f"an index that is no constant: {variable}")
    return int(variable.data)
