"""Annotated expressions: how each variable of an elementwise graph is to be computed.

`runner.engines.simd.exponents` makes them of a graph, `runner.engines.simd.elementwise` writes them
as vector instructions. Adding one takes a class here, a function in each of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from runner.engines.simd.type_aliases import Op, Variable


@dataclass(frozen=True)
class Operand:
    """A variable as an expression needs it: a vector that is the variable / 2**exponent."""

    variable: Variable
    """It may be a constant."""
    exponent: int
    """0 where it is needed as it is."""
    dtype: str
    """What it is cast to."""


@dataclass(frozen=True)
class Expression:
    """How one variable is computed."""

    exponent: int
    """The variable is the result * 2**exponent."""


@dataclass(frozen=True)
class Copy(Expression):
    """Another variable as it is: in vectors over lanes, shapes mean nothing."""

    operand: Operand
    """The other variable."""


@dataclass(frozen=True)
class Product(Expression):
    """Factors, multiplied in order."""

    factors: tuple[Operand, ...]
    """At least one."""
    power: int
    """The first factor is multiplied by 2**power."""
    is_term: bool
    """Whether it is needed in one sum only, and so is part of a fused multiply-add there."""


@dataclass(frozen=True)
class Square(Expression):
    """A factor times itself."""

    factor: Operand
    """What is squared."""


@dataclass(frozen=True)
class Absolute(Expression):
    """An absolute value."""

    operand: Operand
    """A vector of floats."""


@dataclass(frozen=True)
class Tanh(Expression):
    """The tanh of an argument times a power of two, which its coefficients take in."""

    argument: Operand
    """A vector of floats."""
    shift: int
    """The exponent of that power."""


@dataclass(frozen=True)
class Sum(Expression):
    """Terms, added in order; then products, each by a fused multiply-add."""

    terms: tuple[Operand, ...]
    """At the exponent of the sum."""
    products: tuple[Variable, ...]
    """Each a `Product` that is a term."""


@dataclass(frozen=True)
class Difference(Expression):
    """One term less another; at most one of them is a product that is fused."""

    first: Operand
    """At the exponent of the difference."""
    second: Operand
    """The same; it is subtracted."""
    fused: int | None
    """Position of that product, 0 or 1."""


@dataclass(frozen=True)
class Operation(Expression):
    """Any other scalar operation, of plain vectors."""

    op: Op
    """The scalar operation."""
    operands: tuple[Operand, ...]
    """Its arguments."""
    dtype: str
    """Of the operands, but for the condition of a ``Switch``."""
    result: str
    """Dtype of the result."""
