"""Householder's reflections, which make a symmetric matrix tridiagonal."""

from __future__ import annotations

from runner.engines.simd.lane_arrays import LaneArrays
from runner.engines.simd.memory import Matrix
from runner.engines.simd.type_aliases import Value
from runner.engines.simd.vectors import I64


class Reflections:
    """Writes them, of a matrix of which what is above the diagonal is not read.

    Parameters
    ----------
    arrays : LaneArrays
    matrix : Matrix
        Overwritten: each reflection's vector is left in a column.
    """

    def __init__(self, arrays: LaneArrays, matrix: Matrix) -> None:
        self._arrays, self._matrix = arrays, matrix
        self._size = matrix.shape[0]
        self._pulled, self._factors = arrays.new(self._size), arrays.new(self._size)

    def reduce(self, diagonal: Matrix, beside: Matrix) -> None:
        """Write the matrix's reduction, and the two diagonals that are left of it."""
        on, size, a = self._arrays, self._size, self._matrix
        if size > 2:
            on.vectors.repeat(size - 2, lambda k: self._reflect(k, beside))
        on.vectors.repeat(size, lambda k: on.store(on.load(a, k, k), diagonal, k))
        if size > 1:
            last = on.load(a, I64(size - 1), I64(size - 2))
            on.store(last, beside, I64(size - 2))
        on.store(on.number(0.0), beside, I64(size - 1))

    def _reflect(self, k: Value, beside: Matrix) -> None:
        """Have one number left below the diagonal of a column: x becomes x - v (v x) factor."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder
        a, first, count = self._matrix, b.add(k, I64(1)), b.sub(I64(self._size - 1), k)
        square = on.sum(count, lambda total, i: v.fused(self._own(i, k), self._own(i, k), total))
        head = on.load(a, first, k)
        left = b.fneg(v.intrinsic("copysign", v.intrinsic("sqrt", square), head))
        on.store(left, beside, k)
        on.store(b.fsub(head, left), a, first, k)
        half = v.fused(b.fneg(head), left, square)  # of the square of v
        some = b.fcmp_ordered(">", half, on.number(0.0))
        inverse = b.fdiv(on.number(1.0), b.select(some, half, on.number(1.0)))
        factor = b.select(some, inverse, on.number(0.0))
        on.store(factor, self._factors, k)
        self._pull(k, first, count, factor)
        self._change(k, first, count)

    def _own(self, i: Value, k: Value) -> Value:
        """Number i of the vector of reflection k."""
        b = self._arrays.vectors.builder
        return self._arrays.load(self._matrix, b.add(b.add(k, I64(1)), i), k)

    def _pull(self, k: Value, first: Value, count: Value, factor: Value) -> None:
        """Multiply what is left of the matrix with v, and take away the half of v in that."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder
        a, pulled = self._matrix, self._pulled
        v.repeat(count, lambda i: on.store(on.number(0.0), pulled, b.add(first, i)))

        def multiply(i: Value) -> None:
            row, mine = b.add(first, i), self._own(i, k)

            def both(total: Value, j: Value) -> Value:  # a number and its mirror image
                column = b.add(first, j)
                number = on.load(a, row, column)
                on.update(pulled, column, by=lambda x: v.fused(number, mine, x))
                return v.fused(number, self._own(j, k), total)

            total = on.carry(i, b.fmul(on.load(a, row, row), mine), both)
            on.update(pulled, row, by=lambda x: b.fadd(x, total))

        def weigh(total: Value, i: Value) -> Value:
            mine = b.fmul(on.load(pulled, b.add(first, i)), factor)
            on.store(mine, pulled, b.add(first, i))
            return v.fused(mine, self._own(i, k), total)

        def take(i: Value) -> None:
            on.update(pulled, b.add(first, i), by=lambda x: v.fused(share, self._own(i, k), x))

        v.repeat(count, multiply)
        share = b.fmul(b.fmul(on.number(-0.5), factor), on.sum(count, weigh))
        v.repeat(count, take)

    def _change(self, k: Value, first: Value, count: Value) -> None:
        """Reflect what is left of the matrix from both sides."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder

        def change(i: Value) -> None:
            row = b.add(first, i)
            mine, other = b.fneg(self._own(i, k)), b.fneg(on.load(self._pulled, row))

            def at(j: Value) -> None:
                column = b.add(first, j)
                pulled, own = on.load(self._pulled, column), self._own(j, k)
                on.update(
                    *(self._matrix, row, column),
                    by=lambda x: v.fused(mine, pulled, v.fused(other, own, x)),
                )

            v.repeat(b.add(i, I64(1)), at)

        v.repeat(count, change)

    def multiply(self, rows: Matrix) -> None:
        """Write the product of all reflections, transposed."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder
        size = self._size

        def unit(row: Value) -> None:
            v.repeat(size, lambda i: on.store(on.number(0.0), rows, row, i))
            on.store(on.number(1.0), rows, row, row)

        def reflect(number: Value) -> None:
            k = b.sub(I64(size - 3), number)
            first, count = b.add(k, I64(1)), b.sub(I64(size - 1), k)
            minus = b.fneg(on.load(self._factors, k))

            def turn(j: Value) -> None:
                row = b.add(first, j)

                def add(total: Value, i: Value) -> Value:
                    return v.fused(on.load(rows, row, b.add(first, i)), self._own(i, k), total)

                share = b.fmul(minus, on.sum(count, add))

                def change(i: Value) -> None:
                    own, at = self._own(i, k), b.add(first, i)
                    on.update(rows, row, at, by=lambda x: v.fused(share, own, x))

                v.repeat(count, change)

            v.repeat(count, turn)

        v.repeat(size, unit)
        if size > 2:
            v.repeat(size - 2, reflect)
