"""A program for the eigenvalues and eigenvectors of symmetric matrices, one in every lane.

Householder's reflections make a matrix tridiagonal, and implicit QL steps with Wilkinson's shift
make that diagonal (Golub and Van Loan, Matrix Computations, sections 8.3.1 and 8.3.3). LAPACK does
the same with one matrix after the other; where they are small, its loops are too short for vectors.
Here lanes go through all loops together.
"""

from __future__ import annotations

from llvmlite import ir

from runner.engines.simd import registers
from runner.engines.simd.artifact import Interface, Program
from runner.engines.simd.control_flow import repeat_blocks
from runner.engines.simd.function_frame import TABLE
from runner.engines.simd.lane_arrays import FLOAT, LaneArrays
from runner.engines.simd.memory import Memory
from runner.engines.simd.ql_steps import QLSteps
from runner.engines.simd.reflections import Reflections
from runner.engines.simd.registers import AVX
from runner.engines.simd.type_aliases import Pointer, Value
from runner.engines.simd.vectors import CACHE_LINE, I32, I64, NAME, Vectors

_NUMBER_BYTES = 8
_NEAR = 32  # rows up to which 16 matrices and their eigenvectors stay in a near cache


def program(size: int) -> Program:
    """Write the program for matrices of a size.

    Its inputs are the matrix, row by row; of a number and its mirror image the one below the
    diagonal counts. Its outputs are the eigenvalues, rising, and the eigenvectors in their order,
    each of length 1. Every number must be finite.
    """
    module = ir.Module("lanes")
    kind = ir.FunctionType(ir.VoidType(), (TABLE, TABLE, I64, I64))
    function = ir.Function(module, kind, NAME)
    sources, targets, n, scratch = function.args
    fit = registers.here() if size <= _NEAR else AVX
    width = fit.pair_bytes // _NUMBER_BYTES
    v = Vectors(module, function.append_basic_block("entry"), width, fit.pair_bytes, fit)
    used = 0

    def reserve(n_bytes: int) -> Pointer:
        nonlocal used
        address, used = v.entry.add(scratch, I64(used)), used + n_bytes + CACHE_LINE
        return v.entry.inttoptr(address, ir.PointerType(ir.IntType(8)))

    writer = _Writer(LaneArrays(v, Memory(v, reserve)), size)
    repeat_blocks(v, n, lambda first: writer.write(sources, targets, first))
    rows = ((size**2, FLOAT),)
    interface = Interface("function", rows, ((size, FLOAT), *rows), width, used)
    return Program(str(module), interface)


class _Writer:
    """Writes the program of a block of lanes."""

    def __init__(self, arrays: LaneArrays, size: int) -> None:
        self._arrays, self._size = arrays, size
        self._matrix, self._rows = arrays.new(size, size), arrays.new(size, size)
        self._diagonal, self._beside = arrays.new(size), arrays.new(size)

    def write(self, sources: Pointer, targets: Pointer, first: Value) -> None:
        """Write all of it."""
        scale = self._read(sources, first)
        reflections = Reflections(self._arrays, self._matrix)
        reflections.reduce(self._diagonal, self._beside)
        reflections.multiply(self._rows)
        QLSteps(self._arrays, self._diagonal, self._beside, self._rows).write()
        self._put_all(targets, first, scale)

    def _read(self, sources: Pointer, first: Value) -> Value:
        """Read the matrix, divided by its largest number, so that no square is out of range."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder

        def of_row(most: Value, row: Value) -> Value:
            def take(most: Value, column: Value) -> Value:
                place = self._place(sources, b.add(b.mul(row, I64(self._size)), column), first)
                number = v.load(b.inttoptr(place, ir.PointerType(v.type(FLOAT))), FLOAT)
                on.store(number, self._matrix, row, column)
                return v.larger(v.absolute(number), most)

            return on.carry(b.add(row, I64(1)), most, take)

        most = on.carry(self._size, on.number(0.0), of_row)
        scale = b.select(b.fcmp_ordered(">", most, on.number(0.0)), most, on.number(1.0))

        def divide(row: Value) -> None:
            def number(column: Value) -> None:
                on.update(self._matrix, row, column, by=lambda x: b.fdiv(x, scale))

            v.repeat(b.add(row, I64(1)), number)

        v.repeat(self._size, divide)
        return scale

    def _place(self, table: Pointer, row: Value, lane: Value) -> Value:
        """Address of a lane's number in a row of the caller's."""
        b = self._arrays.vectors.builder
        return b.add(b.load(b.gep(table, [row])), b.mul(lane, I64(_NUMBER_BYTES)))

    def _put_all(self, targets: Pointer, first: Value, scale: Value) -> None:
        """Write eigenvalues and eigenvectors to where their order puts them, lane by lane."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder
        lanes = range(v.width)

        def put(row: Value, lane: int, value: Value) -> None:
            place = self._place(targets, row, b.add(first, I64(lane)))
            single = b.extract_element(value, I32(lane))
            b.store(single, b.inttoptr(place, ir.PointerType(single.type)))

        def put_one(i: Value) -> None:
            rank, value = self._rank(i), b.fmul(on.load(self._diagonal, i), scale)
            places = [b.extract_element(rank, I32(lane)) for lane in lanes]
            rows = [b.mul(b.add(place, I64(1)), I64(self._size)) for place in places]
            for lane in lanes:
                put(places[lane], lane, value)

            def component(k: Value) -> None:
                # lanes that wait for others are turned by 0, which may change the sign of a 0
                number = b.fadd(on.load(self._rows, i, k), on.number(0.0))
                for lane in lanes:
                    put(b.add(rows[lane], k), lane, number)

            v.repeat(self._size, component)

        v.repeat(self._size, put_one)

    def _rank(self, i: Value) -> Value:
        """How many eigenvalues come before one: the smaller ones, and equal ones before it."""
        on, v, b = self._arrays, self._arrays.vectors, self._arrays.vectors.builder
        mine = on.load(self._diagonal, i)

        def count(rank: Value, j: Value) -> Value:
            other = on.load(self._diagonal, j)
            earlier = b.icmp_signed("<", v.repeated(j), v.repeated(i))
            tied = b.and_(b.fcmp_ordered("==", other, mine), earlier)
            before = b.or_(b.fcmp_ordered("<", other, mine), tied)
            return b.add(rank, b.zext(before, on.wholes))

        return on.carry(self._size, ir.Constant(on.wholes, [0] * v.width), count)
