"""Vector instructions for each scalar operation of PyTensor's.

The operations that can carry an exponent (see `runner.engines.simd.exponents`) are written by
`runner.engines.simd.elementwise`; those here take and give plain vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce, singledispatch

from pytensor.scalar import basic as scalar

from runner.engines.simd import math_functions
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.type_aliases import Op, Value
from runner.engines.simd.vectors import FLOATS, Vectors

COMPARISONS = (scalar.LT, scalar.LE, scalar.GT, scalar.GE, scalar.EQ, scalar.NEQ)
"""Classes of the operations that compare two numbers."""


@dataclass(frozen=True)
class Arguments:
    """What an operation is applied to."""

    vectors: Vectors
    """Where its instructions are written."""
    values: Sequence[Value]
    """Vectors, all of one dtype but the condition of a ``Switch``."""
    dtype: str
    """That dtype."""
    result: str
    """Dtype of the result."""

    def require(self, op: Op, *kinds: str) -> None:
        """Raise UnknownOperation if the dtype is none of ``float``, ``int`` and ``bool``."""
        kind = "float" if self.dtype in FLOATS else "bool" if self.dtype == "bool" else "int"
        if kind not in kinds:
            raise UnknownOperation(f"{type(op).__name__} of {self.dtype}")


@singledispatch
def write(op: Op, given: Arguments) -> Value:
    """Write one scalar operation; return its vector.

    Raises
    ------
    UnknownOperation
        If it is not known, or not for this dtype.
    """
    raise UnknownOperation(f"{type(op).__name__} of {given.dtype}")


def cast(v: Vectors, value: Value, source: str, target: str) -> Value:
    """Write a cast from one dtype to another.

    Raises
    ------
    UnknownOperation
        If there is none.
    """
    b, kind = v.builder, v.type(target)
    if source == target:
        return value
    if source == "bool":
        value = v.holds(value)
    if source in FLOATS and target in FLOATS:
        return b.fpext(value, kind) if target == "float64" else b.fptrunc(value, kind)
    if source not in FLOATS and target in FLOATS:
        return b.uitofp(value, kind) if source == "bool" else b.sitofp(value, kind)
    if source == "bool":
        return b.zext(value, kind)
    raise UnknownOperation(f"Cast of {source} to {target}")


@write.register
def _cast(op: scalar.Cast, given: Arguments) -> Value:
    return cast(given.vectors, given.values[0], given.dtype, given.result)


@write.register(scalar.Second)
@write.register(scalar.Identity)
def _last(op: Op, given: Arguments) -> Value:
    return given.values[-1]


@write.register
def _switch(op: scalar.Switch, given: Arguments) -> Value:
    mask, *either = given.values
    return given.vectors.builder.select(given.vectors.holds(mask), *either)


def _folded(operation: type[Op], kind: str, instruction: str) -> None:
    """Register an operation of any number of arguments, and the instruction for two."""

    @write.register(operation)
    def _(op: Op, given: Arguments) -> Value:
        given.require(op, kind)
        return reduce(getattr(given.vectors.builder, instruction), given.values)


# Of floats, elementwise.py writes the first three.
_folded(scalar.Add, "int", "add")
_folded(scalar.Sub, "int", "sub")
_folded(scalar.Mul, "int", "mul")
_folded(scalar.AND, "bool", "and_")
_folded(scalar.OR, "bool", "or_")
_folded(scalar.XOR, "bool", "xor")


@write.register
def _invert(op: scalar.Invert, given: Arguments) -> Value:
    given.require(op, "bool")
    return given.vectors.builder.not_(given.values[0])


def _compared(operation: type[Op], sign: str) -> None:
    """Register a comparison; floats that are nan are different from all."""

    @write.register(operation)
    def _(op: Op, given: Arguments) -> Value:
        v, (first, second) = given.vectors, given.values
        if given.dtype in FLOATS:
            compare = v.builder.fcmp_unordered if sign == "!=" else v.builder.fcmp_ordered
        else:
            compare = v.builder.icmp_unsigned if given.dtype == "bool" else v.builder.icmp_signed
        return v.spread(compare(sign, first, second))


for _operation, _sign in zip(COMPARISONS, ("<", "<=", ">", ">=", "==", "!="), strict=True):
    _compared(_operation, _sign)


@write.register
def _is_nan(op: scalar.IsNan, given: Arguments) -> Value:
    given.require(op, "float")
    (value,) = given.values
    return given.vectors.spread(given.vectors.builder.fcmp_unordered("uno", value, value))


@write.register
def _reciprocal(op: scalar.Reciprocal, given: Arguments) -> Value:
    given.require(op, "float")
    v, (value,) = given.vectors, given.values
    return v.builder.fdiv(v.constant_like(1, value), value)


def _of_floats(operation: type[Op], function: Callable[..., Value]) -> None:
    """Register an operation of floats, and the function of vectors that writes it."""

    @write.register(operation)
    def _(op: Op, given: Arguments) -> Value:
        given.require(op, "float")
        return function(given.vectors, *given.values)


def _instruction(name: str) -> Callable[..., Value]:
    return lambda v, *values: getattr(v.builder, name)(*values)


def _intrinsic(name: str) -> Callable[..., Value]:
    return lambda v, *values: v.intrinsic(name, *values)


_of_floats(scalar.Neg, _instruction("fneg"))
_of_floats(scalar.TrueDiv, _instruction("fdiv"))
_of_floats(scalar.Sqrt, _intrinsic("sqrt"))
_of_floats(scalar.Floor, _intrinsic("floor"))
_of_floats(scalar.Pow, _intrinsic("pow"))
_of_floats(scalar.Maximum, _intrinsic("maximum"))
_of_floats(scalar.Minimum, _intrinsic("minimum"))
_of_floats(scalar.Sign, math_functions.sign)
_of_floats(scalar.Exp, math_functions.exp)
_of_floats(scalar.Log, math_functions.log)
_of_floats(scalar.Log1p, math_functions.log1p)
