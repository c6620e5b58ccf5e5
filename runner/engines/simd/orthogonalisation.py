"""A program that makes vectors orthogonal to earlier ones: Gram and Schmidt's, twice, in lanes.

The vectors of a block of lanes lie together and stay in a near cache, where NumPy would carry them
all through memory for each of them. All operations and their order are those of
`runner.training.lanczos_vectors`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from llvmlite import ir

from runner.engines.simd.artifact import Interface, Program
from runner.engines.simd.function_frame import TABLE
from runner.engines.simd.type_aliases import Value
from runner.engines.simd.vectors import I64, NAME, Vectors

WIDTH = 16
"""Lanes of a block: vectors enough for the sums of some to hide how long those of others take."""

_BYTES = 8 * WIDTH
_FLOAT64 = "float64"
_TWICE = 2  # against rounding


@cache
def orthogonalisation() -> Program:
    """Write the program.

    Returns
    -------
    Program
        ``run(sources, targets, n_blocks, n_rows, n_vectors, most)``; ``n_vectors`` is less than
        ``most``. The one table holds where the vectors (n_blocks, most, n_rows, `WIDTH`) begin,
        of which the first ``n_vectors`` are there and the next one is written; the other where the
        product (n_blocks, n_rows, `WIDTH`) does, which is overwritten, the sums of what is along
        each vector (n_blocks, most, `WIDTH`), and the length of what is left (n_blocks, `WIDTH`).
    """
    module = ir.Module("lanes")
    kind = ir.FunctionType(ir.VoidType(), (TABLE, TABLE, *[I64] * 4))
    function = ir.Function(module, kind, NAME)
    v = Vectors(module, function.append_basic_block("entry"), WIDTH, _BYTES)
    sources, targets, n_blocks, n_rows, n_vectors, most = function.args
    b = v.builder
    vectors, product, sums, lengths = (
        b.load(b.gep(table, [I64(i)]))
        for table, i in ((sources, 0), *((targets, i) for i in range(3)))
    )
    row_bytes = b.mul(n_rows, I64(_BYTES))
    all_bytes = b.mul(row_bytes, most)

    def load(base: Value, row: Value) -> Value:
        return v.load(_place(v, base, row), _FLOAT64)

    def store(value: Value, base: Value, row: Value) -> None:
        v.store(value, _place(v, base, row), _FLOAT64)

    def of_block(block: Value) -> None:
        b = v.builder
        own_vectors = b.add(vectors, b.mul(block, all_bytes))
        own = b.add(product, b.mul(block, row_bytes))
        own_sums = b.add(sums, b.mul(block, b.mul(most, I64(_BYTES))))
        v.repeat(n_vectors, lambda i: store(v.splat(0.0, _FLOAT64), own_sums, i))

        def once(_: Value) -> None:
            def less(i: Value) -> None:
                b = v.builder
                earlier = b.add(own_vectors, b.mul(i, row_bytes))
                along = _summed(v, n_rows, lambda row: (load(earlier, row), load(own, row)))
                b = v.builder
                store(b.fadd(load(own_sums, i), along), own_sums, i)

                def subtract(row: Value) -> None:
                    b = v.builder
                    rest = b.fsub(load(own, row), b.fmul(along, load(earlier, row)))
                    store(rest, own, row)

                v.repeat(n_rows, subtract)

            v.repeat(n_vectors, less)

        v.repeat(_TWICE, once)
        squares = _summed(v, n_rows, lambda row: (load(own, row), load(own, row)))
        length = v.intrinsic("sqrt", squares)
        store(length, lengths, block)
        b = v.builder
        some = b.fcmp_ordered(">", length, v.splat(0.0, _FLOAT64))
        divisor = b.select(some, length, v.splat(1.0, _FLOAT64))
        following = b.add(own_vectors, b.mul(n_vectors, row_bytes))
        v.repeat(
            n_rows,
            lambda row: store(v.builder.fdiv(load(own, row), divisor), following, row),
        )

    begin = function.append_basic_block("begin")
    v.begin(begin)
    v.repeat(n_blocks, of_block)
    v.builder.ret_void()
    v.entry.branch(begin)
    return Program(str(module), Interface("function", (), (), WIDTH, 0))


def _place(v: Vectors, base: Value, row: Value) -> Value:
    """Where a row's block of lanes lies."""
    b = v.builder
    address = b.add(base, b.mul(row, I64(_BYTES)))
    return b.inttoptr(address, ir.PointerType(v.stored_type(_FLOAT64)))


def _summed(v: Vectors, n_rows: Value, factors: Callable[[Value], tuple[Value, Value]]) -> Value:
    """Write the sum of rows' products, from the first row on."""
    b = v.builder
    first = b.fmul(*factors(I64(0)))
    before, head, after = b.block, *(b.function.append_basic_block(x) for x in ("sum", "summed"))
    b.cbranch(b.icmp_signed("<", I64(1), n_rows), head, after)
    b.position_at_end(head)
    row, total = b.phi(I64), b.phi(first.type)
    more = b.fadd(total, b.fmul(*factors(row)))
    following = b.add(row, I64(1))
    for phi, begun, value in ((row, I64(1), following), (total, first, more)):
        phi.add_incoming(begun, before)
        phi.add_incoming(value, head)
    b.cbranch(b.icmp_signed("<", following, n_rows), head, after)
    b.position_at_end(after)
    result = b.phi(first.type)
    result.add_incoming(first, before)
    result.add_incoming(more, head)
    return result
