"""Where the numbers of a graph's matrices lie, and the loops over them.

A matrix is that of one restart, and each of its numbers is a vector over lanes. Vectors follow each
other in C order. What transposes, stretches or cuts a matrix only tells where its numbers lie.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.thread_block import index, tile_of
from runner.engines.simd.type_aliases import Pointer, Value, Variable
from runner.engines.simd.vectors import CACHE_LINE, DTYPES, I64, TYPES, Vectors

PERIOD = 1024
"""Bytes: rows of a matrix that begin so far apart, or a multiple, compete for the same few lines of
the nearest cache."""

Cut = tuple[int, int, int]
"""Tiles that follow each other: the first place, how many tiles, and the size of each."""

Index = Sequence[Value]
"""A number of the program for each axis."""


@dataclass(frozen=True)
class Matrix:
    """Where the numbers of a variable lie, of any number of axes."""

    base: Pointer
    """Pointer to the first one."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """From one to the next along each axis, in numbers."""
    dtype: str
    constant: bool = False
    """Whether there is one number for all lanes."""


class Memory:
    """Keeps the matrices of a program.

    Parameters
    ----------
    vectors : Vectors
    reserve : callable
        Gives a pointer to so many bytes that are not used otherwise.
    """

    def __init__(self, vectors: Vectors, reserve: Callable[[int], Pointer]) -> None:
        self._v, self._reserve = vectors, reserve

    def new(self, shape: Sequence[int], dtype: str) -> Matrix:
        """A matrix of its own; rows that would begin at equal places of pages lie further apart."""
        if dtype not in DTYPES:
            raise UnknownOperation(f"matrices of {dtype}")
        vector_bytes = self._v.width * np.dtype(dtype).itemsize
        steps = strides(shape)
        if len(shape) == 2 and not self._v.thread_block:
            steps = (steps[0] + n_between_rows(steps[0], vector_bytes), 1)
        n_bytes = vector_bytes * (shape[0] * steps[0] if shape else 1)
        kind = ir.PointerType(self._v.stored_type(dtype))
        base = self._v.entry.bitcast(self._reserve(n_bytes), kind)
        return Matrix(base, tuple(shape), steps, dtype)

    def constant(self, data: np.ndarray) -> Matrix:
        """A matrix of numbers that are the same in all lanes and steps."""
        dtype = str(data.dtype)
        if dtype not in DTYPES:
            raise UnknownOperation(f"constants of {dtype}")
        stored = data.astype("int8") if dtype == "bool" else data
        kind = ir.ArrayType(TYPES[str(stored.dtype)], data.size)
        content = ir.Constant(kind, stored.ravel().tolist())
        module = self._v.module
        numbers = ir.GlobalVariable(module, content.type, module.get_unique_name("constant"))
        numbers.global_constant, numbers.initializer = True, content
        base = numbers.gep([I64(0), I64(0)])
        return Matrix(base, data.shape, strides(data.shape), dtype, constant=True)

    def shuffled(self, source: Matrix, order: Sequence[int | str]) -> Matrix:
        """A matrix whose axes are transposed, dropped, or added where the order has an x."""
        axes = [None if axis == "x" else int(axis) for axis in order]
        shape = tuple(1 if axis is None else source.shape[axis] for axis in axes)
        steps = tuple(0 if axis is None else source.strides[axis] for axis in axes)
        return Matrix(source.base, shape, steps, source.dtype, source.constant)

    def stretched(self, source: Matrix, shape: Sequence[int]) -> Matrix:
        """A matrix that is broadcast to a shape."""
        more = len(shape) - len(source.shape)
        own = zip(source.shape, source.strides, strict=True)
        steps = (0,) * more + tuple(0 if n == 1 else step for n, step in own)
        return Matrix(source.base, tuple(shape), steps, source.dtype, source.constant)

    def cut(self, source: Matrix, index: Sequence[int | slice]) -> Matrix:
        """A part of a matrix, by a number or a slice for each of its first axes.

        Raises
        ------
        UnknownOperation
            If it is empty, or outside.
        """
        offset, shape, steps = 0, [], []
        places = [*index, *[slice(None)] * (len(source.shape) - len(index))]
        for place, n, stride in zip(places, source.shape, source.strides, strict=True):
            try:
                chosen = range(n)[place]
            except IndexError:
                raise UnknownOperation(f"number {place} of {n}") from None
            if isinstance(chosen, range):
                if not chosen:
                    raise UnknownOperation(f"an empty part of {source.shape}")
                shape.append(len(chosen))
                steps.append(stride * chosen.step)
                chosen = chosen.start
            offset += stride * chosen
        base = self._v.entry.gep(source.base, [I64(offset)])
        return Matrix(base, tuple(shape), tuple(steps), source.dtype, source.constant)

    def load(self, source: Matrix, index: Index) -> Value:
        """Read the vector at an index."""
        pointer = self._pointer(source, index)
        if source.constant:
            number = self._v.repeated(self._v.builder.load(pointer))
            return self._v.flags(number) if source.dtype == "bool" else number
        return self._v.load(pointer, source.dtype)

    def store(self, value: Value, target: Matrix, index: Index) -> None:
        """Write the vector at an index."""
        self._v.store(value, self._pointer(target, index), target.dtype)

    def copy(self, source: Matrix, target: Matrix) -> None:
        """Copy a matrix over another of its shape and dtype."""
        if source.dtype != target.dtype:
            raise UnknownOperation(f"{source.dtype} in place of {target.dtype}")
        self.share(target.shape, lambda at: self.store(self.load(source, at), target, at))

    def share(self, shape: Sequence[int], write: Callable[[Index], None]) -> None:
        """Write `nest`, or the one loop that the threads of a block share out in its place.

        At no index may be read what is written at another one.
        """
        v, threads = self._v, self._v.thread_block
        if threads is None:
            self.nest(shape, write)
        else:
            b = v.builder
            threads.share(b, math.prod(shape), lambda number: write(index(b, number, shape)))

    def share_tiles(
        self, shape: Sequence[int], sizes: Sequence[int], write: Callable[[list[Index]], None]
    ) -> None:
        """Write `tiles`, or loops over tiles that the threads of a block share out.

        The places of such a tile lie apart, so that those of threads that follow each other lie
        side by side.
        """
        v, threads = self._v, self._v.thread_block
        if threads is None:
            self.tiles(shape, sizes, write)
            return
        for cuts in itertools.product(*map(_cuts, shape, tile_of(shape))):
            counts = [count for _, count, _ in cuts]

            def one(
                number: Value, cuts: Sequence[Cut] = cuts, counts: Sequence[int] = counts
            ) -> None:
                at = index(v.builder, number, counts)
                write([self._places(*each) for each in zip(at, cuts, strict=True)])

            threads.share(v.builder, math.prod(counts), one)

    def _places(self, number: Value, cut: Cut) -> Index:
        """The places of a tile that lie apart by the number of tiles."""
        first, count, size = cut
        return [self._v.builder.add(number, I64(first + k * count)) for k in range(size)]

    def nest(self, shape: Sequence[int], write: Callable[[Index], None]) -> None:
        """Write a nest of loops over the indices of a shape."""

        def inside(index: list[Value]) -> None:
            if len(index) == len(shape):
                write(index)
            elif shape[len(index)] == 1:
                inside([*index, I64(0)])
            else:
                self._v.repeat(shape[len(index)], lambda i: inside([*index, i]))

        inside([])

    def tiles(
        self, shape: Sequence[int], sizes: Sequence[int], write: Callable[[list[Index]], None]
    ) -> None:
        """Write nests of loops over tiles of a shape; ``write`` gets the places on each axis."""
        v = self._v

        def inside(done: list[Index]) -> None:
            if len(done) == len(shape):
                write(done)
                return
            for first, count, size in _cuts(shape[len(done)], sizes[len(done)]):

                def tile(number: Value, first: int = first, size: int = size) -> None:
                    begin = v.builder.add(I64(first), v.builder.mul(number, I64(size)))
                    inside([*done, [v.builder.add(begin, I64(k)) for k in range(size)]])

                if count == 1:
                    tile(I64(0))
                else:
                    v.repeat(count, tile)

        inside([])

    def _pointer(self, place: Matrix, index: Index) -> Pointer:
        b, offset = self._v.builder, I64(0)
        for position, stride in zip(index, place.strides, strict=True):
            if stride:
                offset = b.add(offset, b.mul(position, I64(stride)))
        return b.gep(place.base, [offset])


def n_between_rows(n: int, item_bytes: int) -> int:
    """How many items are left free behind rows of n that would begin at equal places of pages."""
    return -(-CACHE_LINE // item_bytes) if n * item_bytes % PERIOD == 0 else 0


def matrix(base: Pointer, shape: Sequence[int], dtype: str) -> Matrix:
    """A matrix whose vectors follow each other from a pointer on."""
    return Matrix(base, tuple(shape), strides(shape), dtype)


def static_shape(variable: Variable) -> tuple[int, ...]:
    """The shape of a variable.

    Raises
    ------
    UnknownOperation
        If it is not known, or empty.
    """
    shape: tuple[int | None, ...] = variable.type.shape
    known = tuple(n for n in shape if n)
    if len(known) < len(shape):
        raise UnknownOperation(f"{variable} of shape {shape}")
    return known


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of C order, in numbers."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _cuts(n: int, size: int) -> list[Cut]:
    """Cut n places into tiles."""
    whole, rest = divmod(n, size)
    cuts = [(0, whole, size)] if whole else []
    return cuts + ([(whole * size, 1, rest)] if rest else [])
