"""Vector instructions: what LLVM is told to do with a block of lanes, and what it lacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

I64 = ir.IntType(64)
_I32 = ir.IntType(32)

FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
TYPES = FLOATS | {"int32": _I32, "int8": ir.IntType(8)}
"""The type of one lane by dtype."""

DTYPES = frozenset({*TYPES, "bool"})
"""Dtypes that there are vectors of."""

NAME = "run"
"""The function's name in a program. Its first arguments are tables: where the inputs' vectors
begin, and the outputs'."""

CACHE_LINE = 64
"""Bytes."""

BLOCK_BYTES = 64
"""Bytes of one variable in a block of lanes: two AVX registers, whose latencies overlap."""

REGISTER_BYTES = 32
"""The same where matrices are multiplied: one AVX register, as a tile of a product needs many."""

# tanh(x) = x p(x²) / q(x²) up to a bound: the rational function of least largest relative error,
# 6e-9 and 2e-17, found with Remez' algorithm. Constants first. At the bound tanh is four units in
# the last place below 1 and stays there, so that rounding can nowhere carry it beyond 1.
_TANH = {
    "float32": (
        8.0,
        (
            0.99999999356890704386,
            0.13444495168179560472,
            0.0035715946835166058288,
            0.00002189460673480185073,
            1.5230340230626513814e-8,
        ),
        (
            1.0,
            0.46777822486907770938,
            0.026164430232150742314,
            0.00034112865462511475845,
            8.5224151478292858142e-7,
        ),
    ),
    "float64": (
        18.0,
        (
            0.99999999999999997765,
            0.15192994927603220257,
            0.0059933577170713096468,
            0.000094307372774766112361,
            6.9321997401194990392e-7,
            2.5048487187066335762e-9,
            4.3519425553259955556e-12,
            3.2710015970214994854e-15,
            8.1628468114940835082e-19,
            2.8646816128375339515e-23,
        ),
        (
            1.0,
            0.48526328260936524359,
            0.034414451920193688491,
            0.00083227429984401394286,
            8.8479384054842986456e-6,
            4.5526271441145265625e-8,
            1.1490139869203566678e-10,
            1.3396598338354523108e-13,
            6.0996797660353407878e-17,
            6.9805355060431236592e-21,
        ),
    ),
}

# exp: least and largest argument, degree of the series
_EXP = {"float32": (-87.0, 88.0, 8), "float64": (-708.0, 709.0, 14)}

# log(1 + f) = 2 s + s z p(z) with s = f / (2 + f) and z = s²: the polynomial of least largest
# relative error of the logarithm between sqrt(1/2) and sqrt(2), 5e-12 and 1e-18, found likewise.
_LOG = {
    "float32": (
        0.66666665655455369027,
        0.40000335191088373337,
        0.28537308530280309255,
        0.23582151502265395431,
    ),
    "float64": (
        0.66666666666667344128,
        0.39999999999414675746,
        0.28571428742387982499,
        0.22222198573157871771,
        0.18183564327007024514,
        0.15314050531949471858,
        0.14795949746504109102,
    ),
}

# ln 2 in two parts, of which the first has so few bits that a multiple of it up to 1024 is exact
_LN2 = {
    "float32": (0.693359375, -2.12194440054690583e-4),
    "float64": (0.693145751953125, 1.42860682030941723212e-6),
}


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
    """

    def __init__(self, module: ir.Module, entry: Any, width: int, block_bytes: int) -> None:
        self.module = module
        self.entry = self.builder = ir.IRBuilder(entry)
        self.width = width
        # What a comparison gives: as many bits as a lane has, all of them set or none. LLVM would
        # pack single bits into bytes for every operation on them.
        self.mask = ir.VectorType(ir.IntType(8 * block_bytes // width), width)
        self._splats: dict[tuple[str, str], Any] = {}

    def begin(self, block: Any) -> Any:
        """Write at the end of a block of instructions from here on."""
        self.builder = ir.IRBuilder(block)
        return self.builder

    @contextmanager
    def at(self, builder: Any) -> Iterator[None]:
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

    def load(self, pointer: Any, dtype: str) -> Any:
        """Read a block of lanes."""
        value = self.builder.load(pointer)
        value.align = 1
        return self.flags(value) if dtype == "bool" else value

    def flags(self, stored: Any) -> Any:
        """A mask, from the bytes that it is in memory."""
        return self._spread(self.builder.icmp_unsigned("!=", stored, _none(stored)))

    def store(self, value: Any, pointer: Any, dtype: str) -> None:
        """Write a block of lanes."""
        if dtype == "bool":
            value = self.builder.zext(self.holds(value), self.type("int8"))
        self.builder.store(value, pointer).align = 1

    def address(self, table: Any, row: int, first: Any, dtype: str) -> Any:
        """Where a variable's lanes lie from ``first`` on; the table holds where its vector begins.

        The table is read once, at the program's beginning.
        """
        base = self.entry.load(self.entry.gep(table, [I64(row)]))
        offset = self.builder.mul(first, I64(np.dtype(dtype).itemsize))
        kind = ir.PointerType(self.stored_type(dtype))
        return self.builder.inttoptr(self.builder.add(base, offset), kind)

    def splat(self, number: float, dtype: str) -> Any:
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

    def repeated(self, number: Any) -> Any:
        """One number in every lane."""
        none = ir.Constant(ir.VectorType(number.type, self.width), ir.Undefined)
        vector = self.builder.insert_element(none, number, _I32(0))
        order = ir.Constant(ir.VectorType(_I32, self.width), None)
        return self.builder.shuffle_vector(vector, none, order)

    def repeat(self, count: int, write: Callable[[Any], None]) -> None:
        """Write a loop of so many rounds, at least one; ``write`` is told the round's number."""
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
        b.cbranch(b.icmp_signed("<", following, I64(count)), head, after)
        b.position_at_end(after)

    def any(self, mask: Any) -> Any:
        """Whether a mask holds in any lane."""
        bits = ir.IntType(self.width)
        held = self.builder.bitcast(self.holds(mask), bits)
        return self.builder.icmp_unsigned("!=", held, bits(0))

    def holds(self, mask: Any) -> Any:
        """A mask as single bits."""
        return self.builder.icmp_signed("<", mask, _none(mask))

    def _spread(self, bits: Any) -> Any:
        """A mask of single bits."""
        return self.builder.sext(bits, self.mask)

    def multiplied(self, factors: Sequence[Any]) -> Any:
        """A product, from the first factor on."""
        value = factors[0]
        for factor in factors[1:]:
            value = self.builder.fmul(value, factor)
        return value

    def plus(self, value: Any, factors: Sequence[Any]) -> Any:
        """A value plus a product of one or two factors."""
        if len(factors) == 1:
            return self.builder.fadd(value, factors[0])
        return self.fused(factors[0], factors[1], value)

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """Return a * b + c, rounded once where the processor can."""
        return self._intrinsic("fmuladd", a, b, c)

    def operation(self, name: str, dtype: str, values: Sequence[Any], result: str) -> Any | None:
        """Write an operation of PyTensor's by its name; None if it is not known.

        Parameters
        ----------
        name : str
            Class of the scalar operation.
        dtype : str
            Of its last argument.
        values : sequence of values
            Its arguments.
        result : str
            Dtype of what comes out.
        """
        if name == "Cast":
            return self._cast(values[0], dtype, result)
        if name in ("Switch", "Second", "Identity"):
            if name != "Switch":
                return values[-1]
            mask, *either = values
            return self.builder.select(self.holds(mask), *either)
        kind = "float" if dtype in FLOATS else "bool" if dtype == "bool" else "int"
        write = _OPERATIONS.get((name, kind))
        if write is None:
            return None
        value = write(self, *values)
        return self._spread(value) if name in COMPARISONS or name == "IsNan" else value

    def _cast(self, value: Any, source: str, target: str) -> Any | None:
        b, kind = self.builder, self.type(target)
        if source == target:
            return value
        if source == "bool":
            value = self.holds(value)
        if source in FLOATS:
            if target not in FLOATS:
                return None
            return b.fpext(value, kind) if target == "float64" else b.fptrunc(value, kind)
        if target in FLOATS:
            return b.uitofp(value, kind) if source == "bool" else b.sitofp(value, kind)
        return b.zext(value, kind) if source == "bool" else None

    def _intrinsic(self, name: str, *arguments: Any) -> Any:
        """Call a function that LLVM has for vectors of floats."""
        kind = arguments[0].type
        full = f"llvm.{name}.v{self.width}{'f32' if _dtype(kind) == 'float32' else 'f64'}"
        function = self.module.globals.get(full)
        if function is None:
            signature = ir.FunctionType(kind, [kind] * len(arguments))
            function = ir.Function(self.module, signature, full)
        return self.builder.call(function, arguments)

    def _same(self, number: float, x: Any) -> Any:
        """A constant of the type of a value."""
        return self.splat(number, _dtype(x.type))

    def _less(self, a: Any, b: Any) -> Any:
        """The smaller one; b where they do not compare."""
        return self.builder.select(self.builder.fcmp_ordered("<", a, b), a, b)

    def _more(self, a: Any, b: Any) -> Any:
        """The larger one; b where they do not compare."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def _polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        """Horner's scheme; the constant coefficient comes first."""
        value = self._same(coefficients[-1], x)
        for c in reversed(coefficients[:-1]):
            value = self.fused(value, x, self._same(c, x))
        return value

    def absolute(self, x: Any) -> Any:
        """Absolute value."""
        return self._intrinsic("fabs", x)

    def tanh(self, x: Any, exponent: int = 0) -> Any:
        """tanh(x * 2**exponent)."""
        b = self.builder
        bound, above, below = _TANH[_dtype(x.type)]
        # By the absolute value, as a bound on either side would take a unit that multiplies.
        size = self._less(self._same(math.ldexp(bound, -exponent), x), self.absolute(x))  # or nan
        x = self._intrinsic("copysign", size, x)
        square = b.fmul(x, x)
        odd = [math.ldexp(c, exponent * (2 * i + 1)) for i, c in enumerate(above)]
        even = [math.ldexp(c, exponent * 2 * i) for i, c in enumerate(below)]
        numerator = b.fmul(x, self._polynomial(square, odd))
        return b.fdiv(numerator, self._polynomial(square, even))

    def _exp(self, x: Any) -> Any:
        """2**n times the series of exp(x - n ln 2), whose argument is at most ln 2 / 2."""
        b, bits = self.builder, _Bits(self, x)
        low, high, degree = _EXP[_dtype(x.type)]
        first, second = _LN2[_dtype(x.type)]
        inside = self._more(self._less(x, self._same(high, x)), self._same(low, x))
        n = self._intrinsic("rint", b.fmul(inside, self._same(1 / math.log(2), x)))
        rest = self.fused(n, self._same(-first, x), inside)
        rest = self.fused(n, self._same(-second, x), rest)
        series = self._polynomial(rest, [1 / math.factorial(k) for k in range(degree)])
        # added to 1.5 * 2**mantissa, the integer n is the last bits
        last = b.bitcast(b.fadd(n, self._same(1.5 * 2**bits.mantissa, x)), bits.kind)
        power = b.shl(b.add(last, bits.same(bits.bias)), bits.same(bits.mantissa))
        value = b.fmul(series, b.bitcast(power, x.type))
        value = b.select(b.fcmp_ordered("<", x, self._same(low, x)), self._same(0, x), value)
        large = b.fcmp_unordered(">", x, self._same(high, x))  # or a nan, which this sum keeps
        return b.select(large, b.fadd(x, self._same(math.inf, x)), value)

    def _log(self, x: Any) -> Any:
        """Take log x as k ln 2 + log(1 + f): x = 2**k (1 + f), 1 + f from sqrt(1/2) to sqrt(2)."""
        b, bits = self.builder, _Bits(self, x)
        first, second = _LN2[_dtype(x.type)]
        zero, half, two = (self._same(c, x) for c in (0, 0.5, 2))
        # a subnormal number has no exponent of its own
        tiny = b.fcmp_ordered("<", x, self._same(2.0 ** (1 - bits.bias), x))
        scaled = b.select(tiny, b.fmul(x, self._same(2.0**bits.mantissa, x)), x)
        bias = b.select(tiny, self._same(bits.bias + bits.mantissa, x), self._same(bits.bias, x))
        least = bits.of(math.sqrt(0.5))
        moved = b.add(b.bitcast(scaled, bits.kind), bits.same(bits.of(1.0) - least))
        # set behind the bits of 2**mantissa, an integer is the number that it adds to that
        large = 2.0**bits.mantissa
        exponent = b.or_(b.lshr(moved, bits.same(bits.mantissa)), bits.same(bits.of(large)))
        k = b.fsub(b.fsub(b.bitcast(exponent, x.type), self._same(large, x)), bias)
        rest = b.and_(moved, bits.same(2**bits.mantissa - 1))
        f = b.fsub(b.bitcast(b.add(rest, bits.same(least)), x.type), self._same(1, x))
        s = b.fdiv(f, b.fadd(two, f))
        z = b.fmul(s, s)
        series = b.fmul(z, self._polynomial(z, _LOG[_dtype(x.type)]))
        square = b.fmul(half, b.fmul(f, f))
        low = self.fused(s, b.fadd(square, series), b.fmul(k, self._same(second, x)))
        value = self.fused(k, self._same(first, x), b.fsub(f, b.fsub(square, low)))
        infinite = self._same(math.inf, x)
        value = b.select(b.fcmp_ordered("==", x, infinite), x, value)
        zero_or_none = b.select(
            b.fcmp_ordered("==", x, zero), b.fneg(infinite), self._same(math.nan, x)
        )
        return b.select(b.fcmp_ordered(">", x, zero), value, zero_or_none)

    def _log1p(self, x: Any) -> Any:
        """log(1 + x), by the logarithm of the rounded sum (Kahan)."""
        b, one = self.builder, self._same(1, x)
        total = b.fadd(one, x)
        logarithm = self._log(total)
        exact = b.fdiv(b.fmul(logarithm, x), b.fsub(total, one))
        huge = b.fcmp_ordered(">", x, self._same(2.0 / float(np.finfo(_dtype(x.type)).eps), x))
        exact = b.select(huge, logarithm, exact)  # 1 is no more than a rounding of the sum
        return b.select(b.fcmp_ordered("==", total, one), x, exact)

    def _sign(self, x: Any) -> Any:
        b, zero = self.builder, self._same(0, x)
        below = b.select(b.fcmp_ordered("<", x, zero), self._same(-1, x), x)
        return b.select(b.fcmp_ordered(">", x, zero), self._same(1, x), below)


class _Bits:
    """The integers that the bits of a vector of floats are."""

    def __init__(self, vectors: Vectors, x: Any) -> None:
        self._dtype = np.dtype(_dtype(x.type))
        self._integer = _I32 if self._dtype.itemsize == 4 else I64
        self.kind = ir.VectorType(self._integer, vectors.width)
        self.mantissa = np.finfo(self._dtype).nmant
        self.bias = 1 - int(np.finfo(self._dtype).minexp)

    def of(self, number: float) -> int:
        """The bits of a number."""
        return int(self._dtype.type(number).view(f"i{self._dtype.itemsize}"))

    def same(self, bits: int) -> Any:
        """A constant."""
        return ir.Constant(self.kind, [self._integer(bits)] * self.kind.count)


def _none(mask: Any) -> Any:
    """A vector of integers that are 0."""
    return ir.Constant(mask.type, [0] * mask.type.count)


def _dtype(kind: Any) -> str:
    """The dtype of a vector of floats."""
    return "float32" if kind.element == FLOATS["float32"] else "float64"


Write = Callable[..., Any]


def _compared(sign: str) -> dict[str, Write]:
    def floats(v: Vectors, a: Any, b: Any) -> Any:
        ordered = v.builder.fcmp_ordered if sign != "!=" else v.builder.fcmp_unordered
        return ordered(sign, a, b)

    return {
        "float": floats,
        "int": lambda v, a, b: v.builder.icmp_signed(sign, a, b),
        "bool": lambda v, a, b: v.builder.icmp_unsigned(sign, a, b),
    }


def _folded(method: str) -> Write:
    def write(v: Vectors, first: Any, *others: Any) -> Any:
        for other in others:
            first = getattr(v.builder, method)(first, other)
        return first

    return write


COMPARISONS = {"LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "EQ": "==", "NEQ": "!="}
"""Operations that compare two numbers, by the class of the scalar operation."""

_OPERATIONS: dict[tuple[str, str], Write] = {
    ("Add", "int"): _folded("add"),
    ("Sub", "int"): _folded("sub"),
    ("Mul", "int"): _folded("mul"),
    ("AND", "bool"): _folded("and_"),
    ("OR", "bool"): _folded("or_"),
    ("XOR", "bool"): _folded("xor"),
    ("Invert", "bool"): lambda v, a: v.builder.not_(a),
    ("Neg", "float"): lambda v, a: v.builder.fneg(a),
    ("Sign", "float"): Vectors._sign,
    ("Sqrt", "float"): lambda v, a: v._intrinsic("sqrt", a),
    ("Reciprocal", "float"): lambda v, a: v.builder.fdiv(v._same(1, a), a),
    ("TrueDiv", "float"): lambda v, a, b: v.builder.fdiv(a, b),
    ("Pow", "float"): lambda v, a, b: v._intrinsic("pow", a, b),
    ("Maximum", "float"): lambda v, a, b: v._intrinsic("maximum", a, b),
    ("Minimum", "float"): lambda v, a, b: v._intrinsic("minimum", a, b),
    ("Exp", "float"): Vectors._exp,
    ("Log", "float"): Vectors._log,
    ("Log1p", "float"): Vectors._log1p,
    ("IsNan", "float"): lambda v, a: v.builder.fcmp_unordered("uno", a, a),
    **{
        (name, kind): write
        for name, sign in COMPARISONS.items()
        for kind, write in _compared(sign).items()
    },
}
"""How each operation is written, by its name and the kind of its last argument; what can carry
exponents, `runner.engines.simd.elementwise` writes itself."""
