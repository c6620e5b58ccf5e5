"""Products of matrices, one for every lane: tiles in registers, blocks of terms in a near cache.

A sum has one order, that of its indices, so its bits do not depend on tiles, blocks or lanes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.engines.simd.buffers import Buffers
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.memory import Index, Matrix
from runner.engines.simd.type_aliases import Value, Variable
from runner.engines.simd.vectors import FLOATS, I64

Finish = Callable[[Index, Value], None]
"""What is done with each number of a product."""


@dataclass(frozen=True)
class Blocks:
    """Of what terms and columns of a product are together before others are begun."""

    terms: int
    """Of all sums."""
    columns: int


NEAR = 2**14
"""Vectors up to which a matrix stays in a core's own cache: half a megabyte, or one where they
are AVX-512's."""

TERMS_OF_ROWS = 128
"""Terms together of products with rows of a larger matrix: those of four rows are 16 KiB."""

TERMS_OF_COLUMNS = 8
"""The same of products with its columns: more rows of it than a page each are slow to read."""

MANY_ROWS = Blocks(terms=64, columns=64)
"""A block of the other matrix where there are more rows: 128 or 256 KiB."""

FEW_ROWS = 8
"""Rows, as a rule patterns, up to which a larger matrix comes by once."""

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
    node = out.owner
    a, b = (buffers.at(x) for x in node.inputs)
    if len(a.shape) != 2 or len(b.shape) != 2 or a.dtype != b.dtype or a.dtype not in FLOATS:
        raise UnknownOperation(f"{node.op} of {node.inputs[0].type} and {node.inputs[1].type}")
    _Product(buffers, a, b, finish).write()


class _Product:
    """Writes the product of two matrices."""

    def __init__(self, buffers: Buffers, a: Matrix, b: Matrix, finish: Finish) -> None:
        self._buffers, self._a, self._b, self._finish = buffers, a, b, finish
        (rows, inner), columns = a.shape, b.shape[1]
        self._shape = rows, columns
        is_whole = bool(buffers.vectors.thread_block)
        self._blocks = Blocks(inner, columns) if is_whole else blocks_of(a, b)
        if self._blocks.terms < inner:
            self._sums = buffers.memory.new(self._shape, a.dtype)

    def write(self) -> None:
        """Write it, block by block of its columns."""
        v, size, (_, columns) = self._buffers.vectors, self._blocks.columns, self._shape
        if size == columns:
            self._write_columns(columns)
            return
        v.repeat(columns // size, lambda n: self._write_columns(size, v.builder.mul(n, I64(size))))
        if columns % size:
            self._write_columns(columns % size, I64(columns - columns % size))

    def _write_columns(self, count: int, begin: Value | None = None) -> None:
        """Write so many columns, from ``begin`` on, block by block of their terms."""
        b, size, inner = self._buffers.vectors.builder, self._blocks.terms, self._a.shape[1]
        n_blocks = -(-inner // size)
        tiles = _Tiles(self._buffers, self._a, self._b, (self._shape[0], count), begin)
        if n_blocks == 1:
            tiles.add(I64(0), inner, None, self._finish)
            return

        def keep(index: Index, vector: Value) -> None:
            self._buffers.memory.store(vector, self._sums, index)

        def between(number: Value) -> None:
            first = b.mul(b.add(number, I64(1)), I64(size))
            tiles.add(first, size, self._sums, keep)

        tiles.add(I64(0), size, None, keep)
        if n_blocks > 2:
            self._buffers.vectors.repeat(n_blocks - 2, between)
        done = size * (n_blocks - 1)
        tiles.add(I64(done), inner - done, self._sums, self._finish)


class _Tiles:
    """Writes some columns of a product, tile by tile."""

    def __init__(
        self,
        buffers: Buffers,
        a: Matrix,
        b: Matrix,
        shape: tuple[int, int],
        first_column: Value | None,
    ) -> None:
        self._buffers, self._a, self._b = buffers, a, b
        self._shape, self._first_column = shape, first_column
        rows, columns = shape
        tile = buffers.vectors.registers.tile
        self._sizes = (SUMS, 1) if columns == 1 else (1, SUMS) if rows == 1 else tile

    def add(self, first: Value, n_terms: int, before: Matrix | None, finish: Finish) -> None:
        """Add terms of all sums, to those before if there are any."""
        v, memory = self._buffers.vectors, self._buffers.memory

        def write(tile: Sequence[Index]) -> None:
            rows, columns = tile[0], self._moved(tile[1])
            places = list(itertools.product(rows, columns))
            sums = [self._buffers.running(self._a.dtype, 0.0) for _ in places]
            if before is not None:
                for place, running in zip(places, sums, strict=True):
                    v.builder.store(memory.load(before, place), running)

            def add_some(terms: Sequence[Index]) -> None:
                for term in terms[0]:
                    k = v.builder.add(first, term)
                    left = {row: memory.load(self._a, [row, k]) for row in rows}
                    right = {column: memory.load(self._b, [k, column]) for column in columns}
                    for (row, column), running in zip(places, sums, strict=True):
                        value = v.fused(left[row], right[column], v.builder.load(running))
                        v.builder.store(value, running)

            memory.tiles([n_terms], [v.registers.terms], add_some)
            for place, running in zip(places, sums, strict=True):
                finish(place, v.builder.load(running))

        memory.share_tiles(self._shape, self._sizes, write)

    def _moved(self, columns: Index) -> Index:
        """Columns of the product, counted from the first one of all."""
        if self._first_column is None:
            return columns
        b = self._buffers.vectors.builder
        return [b.add(self._first_column, column) for column in columns]


def blocks_of(a: Matrix, b: Matrix) -> Blocks:
    """How a product of two matrices is cut into blocks that stay in a near cache.

    Of few rows, so many terms that what all tiles read of ``a`` stays there, while ``b``, larger
    than caches, comes by once. Of more, so few columns and terms that a block of ``b`` stays there
    while all rows come by, and what they have come to, too.
    """
    (rows, inner), columns = a.shape, b.shape[1]
    largest = max(rows * inner, inner * columns, rows * columns)
    if a.constant or b.constant or 1 in (rows, columns) or largest <= NEAR:
        return Blocks(inner, columns)
    if rows > FEW_ROWS:
        return Blocks(min(inner, MANY_ROWS.terms), min(columns, MANY_ROWS.columns))
    return Blocks(min(inner, TERMS_OF_ROWS if b.strides[0] == 1 else TERMS_OF_COLUMNS), columns)
