"""Products of matrices, one for every lane: tiles in registers, blocks of terms in a near cache.

A sum has one order, that of its indices, so its bits do not depend on tiles, blocks or lanes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from runner.engines.simd.buffers import Buffers
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.memory import Index, Matrix
from runner.engines.simd.type_aliases import Value, Variable
from runner.engines.simd.vectors import FLOATS, I64

Finish = Callable[[Index, Value], None]
"""What is done with each number of a product."""

TILE = (4, 3)
"""Rows and columns of a product that are in registers at once: 12 of AVX's 16."""

TERMS = 8
"""Terms of a product's sums that are written out, one after the other."""

NEAR = 2**14
"""Vectors up to which a matrix stays in a core's own cache: half a megabyte."""

TERMS_OF_ROWS = 128
"""Terms together of products with rows of a larger matrix: those of four rows are 16 KiB."""

TERMS_OF_COLUMNS = TERMS
"""The same of products with its columns: more rows of it than a page each are slow to read."""

SUMS = 8
"""Sums that are taken at once where they are a row or column: so many latencies overlap."""


def product(buffers: Buffers, out: Variable) -> Matrix:
    """Write a product of matrices into memory."""
    target = buffers.new(out)
    multiply(buffers, out, lambda index, v: buffers.memory.store(v, target, index))
    return target


def add_product(buffers: Buffers, out: Variable, target: Matrix) -> None:
    """Write a product of matrices that is added to what is in memory, number by number."""
    memory = buffers.memory

    def add(index: Index, vector: Value) -> None:
        before = memory.load(target, index)
        memory.store(buffers.vectors.builder.fadd(before, vector), target, index)

    multiply(buffers, out, add)


def multiply(buffers: Buffers, out: Variable, finish: Finish) -> None:
    """Write a product of matrices, tile by tile; ``finish`` is given every number of it."""
    v, memory, node = buffers.vectors, buffers.memory, out.owner
    a, b = (buffers.at(x) for x in node.inputs)
    if len(a.shape) != 2 or len(b.shape) != 2 or a.dtype != b.dtype or a.dtype not in FLOATS:
        raise UnknownOperation(f"{node.op} of {node.inputs[0].type} and {node.inputs[1].type}")
    (rows, inner), columns = a.shape, b.shape[1]
    sizes = (SUMS, 1) if columns == 1 else (1, SUMS) if rows == 1 else TILE

    def add(first: Value, n_terms: int, before: Matrix | None, finish: Finish) -> None:
        """Add terms of all sums, to those before if there are any."""

        def write(tile: Sequence[Index]) -> None:
            places = list(itertools.product(*tile))
            sums = [buffers.running(a.dtype, 0.0) for _ in places]
            if before is not None:
                for place, running in zip(places, sums, strict=True):
                    v.builder.store(memory.load(before, place), running)

            def add_some(terms: Sequence[Index]) -> None:
                for term in terms[0]:
                    k = v.builder.add(first, term)
                    left = {row: memory.load(a, [row, k]) for row in tile[0]}
                    right = {column: memory.load(b, [k, column]) for column in tile[1]}
                    for (row, column), running in zip(places, sums, strict=True):
                        value = v.fused(left[row], right[column], v.builder.load(running))
                        v.builder.store(value, running)

            memory.tiles([n_terms], [TERMS], add_some)
            for place, running in zip(places, sums, strict=True):
                finish(place, v.builder.load(running))

        memory.share_tiles((rows, columns), sizes, write)

    size = inner if v.thread_block else _terms_together(a, b)
    n_blocks = -(-inner // size)
    if n_blocks == 1:
        add(I64(0), inner, None, finish)
        return
    sums = memory.new((rows, columns), a.dtype)

    def keep(index: Index, vector: Value) -> None:
        memory.store(vector, sums, index)

    def between(number: Value) -> None:
        first = v.builder.mul(v.builder.add(number, I64(1)), I64(size))
        add(first, size, sums, keep)

    add(I64(0), size, None, keep)
    if n_blocks > 2:
        v.repeat(n_blocks - 2, between)
    done = size * (n_blocks - 1)
    add(I64(done), inner - done, sums, finish)


def _terms_together(a: Matrix, b: Matrix) -> int:
    """How many terms of all sums are added before any sum is gone on with.

    So many that what all tiles read of the one matrix stays in a near cache, while the other one,
    larger than caches, comes by once.
    """
    (rows, inner), columns = a.shape, b.shape[1]
    if a.constant or b.constant or 1 in (rows, columns) or inner * columns <= NEAR:
        return inner
    if b.strides[0] == 1:  # a sum's terms follow each other in memory
        return min(inner, TERMS_OF_ROWS)
    return min(inner, TERMS_OF_COLUMNS)
