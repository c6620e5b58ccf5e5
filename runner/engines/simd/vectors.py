"""Instructions on vectors: a value of the program holds one variable in a block of lanes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from llvmlite import ir

from runner.engines.simd.registers import Registers
from runner.engines.simd.thread_block import ThreadBlock
from runner.engines.simd.type_aliases import Block, Builder, Pointer, Value

I64 = ir.IntType(64)
I32 = ir.IntType(32)

FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
TYPES = FLOATS | {"int32": I32, "int8": ir.IntType(8)}
"""The type of one lane by dtype."""

DTYPES = frozenset({*TYPES, "bool"})
"""Dtypes that there are vectors of."""

NAME = "run"
"""The function's name in a program. Its first arguments are tables: where the inputs' vectors
begin, and the outputs'."""

CACHE_LINE = 64
"""Bytes."""


class Vectors:
    """Writes instructions on blocks of lanes.

    Parameters
    ----------
    module : ir.Module
    entry : ir.Block
        Runs once: what does not change is put here.
    width : int
        Lanes of a block.
    block_bytes : int
        Bytes of one variable of the widest dtype there.
    registers : Registers
        What they are written for.
    """

    def __init__(
        self, module: ir.Module, entry: Block, width: int, block_bytes: int, registers: Registers
    ) -> None:
        self.registers = registers
        self.module = module
        self.entry = self.builder = ir.IRBuilder(entry)
        self.width = width
        self._is_single = width == 1
        # What a comparison gives: as many bits as a lane has, all of them set or none. LLVM would
        # pack single bits into bytes for every operation on them.
        self.mask = ir.VectorType(ir.IntType(8 * block_bytes // width), width)
        self._splats: dict[tuple[str, str], Value] = {}
        self.thread_block: ThreadBlock | None = None
        """The threads that compute one restart together, where there are several."""

    def begin(self, block: Block) -> Builder:
        """Write at the end of a block of instructions from here on."""
        self.builder = ir.IRBuilder(block)
        return self.builder

    @contextmanager
    def at(self, builder: Builder) -> Iterator[None]:
        """Write elsewhere for a while."""
        here, self.builder = self.builder, builder
        try:
            yield
        finally:
            self.builder = here

    def type(self, dtype: str) -> ir.VectorType:
        """A block of lanes of one variable."""
        return self.mask if dtype == "bool" else ir.VectorType(TYPES[dtype], self.width)

    def stored_type(self, dtype: str) -> ir.VectorType:
        """The same in memory, where a bool is a byte."""
        return ir.VectorType(TYPES["int8" if dtype == "bool" else dtype], self.width)

    def load(self, pointer: Pointer, dtype: str) -> Value:
        """Read a block of lanes."""
        value = self.builder.load(pointer)
        value.align = self._alignment(dtype)
        return self.flags(value) if dtype == "bool" else value

    def flags(self, stored: Value) -> Value:
        """A mask, from the bytes that it is in memory."""
        return self.spread(self.builder.icmp_unsigned("!=", stored, zeros_like(stored)))

    def store(self, value: Value, pointer: Pointer, dtype: str) -> None:
        """Write a block of lanes."""
        if dtype == "bool":
            value = self.builder.zext(self.holds(value), self.type("int8"))
        self.builder.store(value, pointer).align = self._alignment(dtype)

    def widened(self, value: Value, dtype: str) -> Value:
        """A block of lanes in a dtype, float64 perhaps where it was float32."""
        kind = self.type(dtype)
        return value if value.type == kind else self.builder.fpext(value, kind)

    def _alignment(self, dtype: str) -> int:
        """Bytes by which an address of a block of lanes can be divided; a GPU must be told."""
        return int(np.dtype(dtype).itemsize) if self._is_single else 1

    def address(self, table: Pointer, row: int, first: Value, dtype: str) -> Pointer:
        """Where a variable's lanes lie from ``first`` on; the table holds where its vector begins.

        The table is read once, at the program's beginning.
        """
        base = self.entry.load(self.entry.gep(table, [I64(row)]))
        offset = self.builder.mul(first, I64(np.dtype(dtype).itemsize))
        kind = ir.PointerType(self.stored_type(dtype))
        return self.builder.inttoptr(self.builder.add(base, offset), kind)

    def splat(self, number: float, dtype: str) -> Value:
        """A constant in every lane."""
        key = (dtype, float(number).hex())
        if key not in self._splats:
            element = self.type(dtype).element
            if dtype in FLOATS:
                single = element(float(np.dtype(dtype).type(number)))
            else:
                single = element(-int(number) if dtype == "bool" else int(number))
            with self.at(self.entry):
                self._splats[key] = self.repeated(single)
        return self._splats[key]

    def repeated(self, number: Value) -> Value:
        """One number in every lane."""
        none = ir.Constant(ir.VectorType(number.type, self.width), ir.Undefined)
        vector = self.builder.insert_element(none, number, I32(0))
        order = ir.Constant(ir.VectorType(I32, self.width), None)
        return self.builder.shuffle_vector(vector, none, order)

    def repeat(self, count: int | Value, write: Callable[[Value], None]) -> None:
        """Write a loop of so many rounds, at least one; ``write`` gets the round's number."""
        b = self.builder
        before, head = b.block, b.function.append_basic_block("repeat")
        b.branch(head)
        b.position_at_end(head)
        number = b.phi(I64)
        number.add_incoming(I64(0), before)
        write(number)
        following = b.add(number, I64(1))
        number.add_incoming(following, b.block)
        after = b.function.append_basic_block("repeated")
        end = I64(count) if isinstance(count, int) else count
        b.cbranch(b.icmp_signed("<", following, end), head, after)
        b.position_at_end(after)

    def share(self, count: int, write: Callable[[Value], None]) -> None:
        """Write a loop as `repeat`, whose rounds the threads of a block share out if there are any.

        No round may read what another one writes.
        """
        b = self.builder
        if self.thread_block is None:
            self.repeat(count, write)
        else:
            self.thread_block.share(b, count, lambda number: write(b.zext(number, I64)))

    def any(self, mask: Value) -> Value:
        """Whether a mask holds in any lane."""
        bits = ir.IntType(self.width)
        held = self.builder.bitcast(self.holds(mask), bits)
        return self.builder.icmp_unsigned("!=", held, bits(0))

    def holds(self, mask: Value) -> Value:
        """A mask as single bits."""
        return self.builder.icmp_signed("<", mask, zeros_like(mask))

    def spread(self, bits: Value) -> Value:
        """A mask of single bits."""
        return self.builder.sext(bits, self.mask)

    def multiplied(self, factors: Sequence[Value]) -> Value:
        """A product, from the first factor on."""
        value = factors[0]
        for factor in factors[1:]:
            value = self.builder.fmul(value, factor)
        return value

    def plus(self, value: Value, factors: Sequence[Value]) -> Value:
        """A value plus a product of one or two factors."""
        if len(factors) == 1:
            return self.builder.fadd(value, factors[0])
        return self.fused(factors[0], factors[1], value)

    def fused(self, a: Value, b: Value, c: Value) -> Value:
        """Return a * b + c, rounded once where the processor can."""
        return self.intrinsic("fmuladd", a, b, c)

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """Call a function that LLVM has for vectors of floats."""
        kind = arguments[0].type
        full = f"llvm.{name}.v{self.width}{'f32' if dtype_of(arguments[0]) == 'float32' else 'f64'}"
        function = self.module.globals.get(full)
        if function is None:
            signature = ir.FunctionType(kind, [kind] * len(arguments))
            function = ir.Function(self.module, signature, full)
        return self.builder.call(function, arguments)

    def constant_like(self, number: float, x: Value) -> Value:
        """A constant of the type of a value."""
        return self.splat(number, dtype_of(x))

    def smaller(self, a: Value, b: Value) -> Value:
        """The smaller one; b where they do not compare."""
        return self.builder.select(self.builder.fcmp_ordered("<", a, b), a, b)

    def larger(self, a: Value, b: Value) -> Value:
        """The larger one; b where they do not compare."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """Horner's scheme; the constant coefficient comes first."""
        value = self.constant_like(coefficients[-1], x)
        for c in reversed(coefficients[:-1]):
            value = self.fused(value, x, self.constant_like(c, x))
        return value

    def absolute(self, x: Value) -> Value:
        """Absolute value."""
        return self.intrinsic("fabs", x)


def zeros_like(mask: Value) -> Value:
    """A vector of integers that are 0."""
    return ir.Constant(mask.type, [0] * mask.type.count)


def dtype_of(x: Value) -> str:
    """The dtype of a vector of floats."""
    return "float32" if x.type.element == FLOATS["float32"] else "float64"
