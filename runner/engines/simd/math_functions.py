"""Functions that LLVM has for no vector: tanh, exp, log and log(1 + x), of float32 and float64.

They consist of additions, multiplications, divisions and fused multiply-adds, so their bits are the
same on every processor that has these. How far each is from the exact value is measured by
``tests/engines/simd/test_math_functions.py``, in units in the last place.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir

from runner.engines.simd.type_aliases import Value
from runner.engines.simd.vectors import I32, I64, Vectors, dtype_of

# tanh(x) = x p(x²) / q(x²) up to a bound: the rational function of least largest relative error,
# 6e-9 and 2e-17, found with Remez' algorithm. Constants first. From the bound on, the result is
# four units in the last place below 1 in float32 and two in float64, so that rounding can nowhere
# carry it beyond 1.
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


def tanh(v: Vectors, x: Value, exponent: int = 0) -> Value:
    """tanh(x * 2**exponent)."""
    b = v.builder
    bound, above, below = _TANH[dtype_of(x)]
    # By the absolute value, as a bound on either side would take a unit that multiplies.
    size = v.smaller(v.constant_like(math.ldexp(bound, -exponent), x), v.absolute(x))  # or nan
    x = v.intrinsic("copysign", size, x)
    square = b.fmul(x, x)
    odd = [math.ldexp(c, exponent * (2 * i + 1)) for i, c in enumerate(above)]
    even = [math.ldexp(c, exponent * 2 * i) for i, c in enumerate(below)]
    numerator = b.fmul(x, v.polynomial(square, odd))
    return b.fdiv(numerator, v.polynomial(square, even))


def exp(v: Vectors, x: Value) -> Value:
    """2**n times the series of exp(x - n ln 2), whose argument is at most ln 2 / 2."""
    b = v.builder
    low, high, _ = _EXP[dtype_of(x)]
    inside = v.larger(v.smaller(x, v.constant_like(high, x)), v.constant_like(low, x))
    value = exp_within(v, inside)
    value = b.select(b.fcmp_ordered("<", x, v.constant_like(low, x)), v.constant_like(0, x), value)
    large = b.fcmp_unordered(">", x, v.constant_like(high, x))  # or a nan, which this sum keeps
    return b.select(large, b.fadd(x, v.constant_like(math.inf, x)), value)


def exp_within(v: Vectors, x: Value) -> Value:
    """exp(x), of arguments for which the result is a normal number; of others, anything."""
    parts = exp_parts(v, x)
    return v.builder.fmul(parts.series, power_of_two(v, parts.power))


class ExpParts(NamedTuple):
    """exp(x) as series * 2**power."""

    series: Value
    """From sqrt(1/2) to sqrt(2)."""
    less_one: Value
    """The series less 1, to the dtype's digits."""
    power: Value
    """An integer in a float."""


def exp_parts(v: Vectors, x: Value) -> ExpParts:
    """The parts of exp(x); of arguments beyond some thousands, anything."""
    b = v.builder
    first, second = _LN2[dtype_of(x)]
    n = v.intrinsic("rint", b.fmul(x, v.constant_like(1 / math.log(2), x)))
    rest = v.fused(n, v.constant_like(-first, x), x)
    rest = v.fused(n, v.constant_like(-second, x), rest)
    terms = [1 / math.factorial(k) for k in range(1, _EXP[dtype_of(x)][2])]
    slope = v.polynomial(rest, terms)
    return ExpParts(v.fused(slope, rest, v.constant_like(1, x)), b.fmul(slope, rest), n)


def power_of_two(v: Vectors, n: Value) -> Value:
    """2**n, of integers for which that is a normal number."""
    b, bits = v.builder, _Bits(v, n)
    # added to 1.5 * 2**mantissa, the integer n is the last bits
    last = b.bitcast(b.fadd(n, v.constant_like(1.5 * 2**bits.mantissa, n)), bits.kind)
    power = b.shl(b.add(last, bits.same(bits.bias)), bits.same(bits.mantissa))
    return b.bitcast(power, n.type)


def log(v: Vectors, x: Value) -> Value:
    """Take log x as k ln 2 + log(1 + f): x = 2**k (1 + f), 1 + f from sqrt(1/2) to sqrt(2)."""
    b, bits = v.builder, _Bits(v, x)
    first, second = _LN2[dtype_of(x)]
    zero, half, two = (v.constant_like(c, x) for c in (0, 0.5, 2))
    # a subnormal number has no exponent of its own
    tiny = b.fcmp_ordered("<", x, v.constant_like(2.0 ** (1 - bits.bias), x))
    scaled = b.select(tiny, b.fmul(x, v.constant_like(2.0**bits.mantissa, x)), x)
    bias = b.select(
        tiny, v.constant_like(bits.bias + bits.mantissa, x), v.constant_like(bits.bias, x)
    )
    least = bits.of(math.sqrt(0.5))
    moved = b.add(b.bitcast(scaled, bits.kind), bits.same(bits.of(1.0) - least))
    # set behind the bits of 2**mantissa, an integer is the number that it adds to that
    large = 2.0**bits.mantissa
    exponent = b.or_(b.lshr(moved, bits.same(bits.mantissa)), bits.same(bits.of(large)))
    k = b.fsub(b.fsub(b.bitcast(exponent, x.type), v.constant_like(large, x)), bias)
    rest = b.and_(moved, bits.same(2**bits.mantissa - 1))
    f = b.fsub(b.bitcast(b.add(rest, bits.same(least)), x.type), v.constant_like(1, x))
    s = b.fdiv(f, b.fadd(two, f))
    z = b.fmul(s, s)
    series = b.fmul(z, v.polynomial(z, _LOG[dtype_of(x)]))
    square = b.fmul(half, b.fmul(f, f))
    low = v.fused(s, b.fadd(square, series), b.fmul(k, v.constant_like(second, x)))
    value = v.fused(k, v.constant_like(first, x), b.fsub(f, b.fsub(square, low)))
    infinite = v.constant_like(math.inf, x)
    value = b.select(b.fcmp_ordered("==", x, infinite), x, value)
    zero_or_none = b.select(
        b.fcmp_ordered("==", x, zero), b.fneg(infinite), v.constant_like(math.nan, x)
    )
    return b.select(b.fcmp_ordered(">", x, zero), value, zero_or_none)


def log1p(v: Vectors, x: Value) -> Value:
    """log(1 + x), by the logarithm of the rounded sum (Kahan)."""
    b, one = v.builder, v.constant_like(1, x)
    total = b.fadd(one, x)
    logarithm = log(v, total)
    exact = b.fdiv(b.fmul(logarithm, x), b.fsub(total, one))
    huge = b.fcmp_ordered(">", x, v.constant_like(2.0 / float(np.finfo(dtype_of(x)).eps), x))
    exact = b.select(huge, logarithm, exact)  # 1 is no more than a rounding of the sum
    return b.select(b.fcmp_ordered("==", total, one), x, exact)


def sign(v: Vectors, x: Value) -> Value:
    """-1, 0 or 1; a nan stays one."""
    b, zero = v.builder, v.constant_like(0, x)
    below = b.select(b.fcmp_ordered("<", x, zero), v.constant_like(-1, x), x)
    return b.select(b.fcmp_ordered(">", x, zero), v.constant_like(1, x), below)


class _Bits:
    """The integers that the bits of a vector of floats are."""

    def __init__(self, vectors: Vectors, x: Value) -> None:
        self._dtype = np.dtype(dtype_of(x))
        self._integer = I32 if self._dtype.itemsize == 4 else I64
        self.kind = ir.VectorType(self._integer, vectors.width)
        self.mantissa = np.finfo(self._dtype).nmant
        self.bias = 1 - int(np.finfo(self._dtype).minexp)

    def of(self, number: float) -> int:
        """The bits of a number."""
        return int(self._dtype.type(number).view(f"i{self._dtype.itemsize}"))

    def same(self, bits: int) -> Value:
        """A constant."""
        return ir.Constant(self.kind, [self._integer(bits)] * self.kind.count)
