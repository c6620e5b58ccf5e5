"""An elementwise graph, written as one straight line of vector instructions.

This is the second of two passes: `runner.engines.simd.exponents` has decided at which exponent
each vector is written, and here the instructions are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import ancestors

from runner.engines.simd import expressions, math_functions, scalar_operations
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.expressions import Expression, Operand
from runner.engines.simd.type_aliases import Builder, Value, Variable
from runner.engines.simd.vectors import Vectors


class ElementwiseWriter:
    """Writes expressions, one after the other.

    Parameters
    ----------
    analysis : Analysis
        Of the graph.
    vectors : Vectors
        Where they stand, the expressions are written.
    values : mapping of variables to values
        A vector for every input of the graph.
    before : IRBuilder, optional
        Where what is the same in every step is written; needed if the analysis has found any.
    """

    def __init__(
        self,
        analysis: Analysis,
        vectors: Vectors,
        values: Mapping[Variable, Value],
        before: Builder | None = None,
    ) -> None:
        self.analysis, self.vectors = analysis, vectors
        self._before = before
        self._left = analysis.order
        self._values = dict(values)  # at the exponents of the analysis
        # Products that wait for the sum they are fused with: one or two factors. One that is left
        # with a single factor keeps its place there, as the order decides the rounding.
        self._factors: dict[Variable, list[Value]] = {}
        self._moved: dict[tuple[Variable, int, str], Value] = {}  # vectors at other exponents

    def write(self, variables: Sequence[Variable]) -> list[Value]:
        """Write what some variables need and is not there yet; return their vectors."""
        needed = {variable.owner for variable in ancestors(variables)}
        now = [node for node in self._left if node in needed]
        self._left = [node for node in self._left if node not in needed]
        for node in now:
            (out,) = node.outputs
            with self.vectors.at(self._place(out)):
                self._write(out, self.analysis.expressions[out])
        return [self.vector(Operand(v, 0, v.type.dtype)) for v in variables]

    def _place(self, variable: Variable) -> Builder:
        """Where what computes a variable is written."""
        once = variable in self.analysis.once and self._before is not None
        return self._before if once else self.vectors.builder

    def _write(self, out: Variable, expression: Expression) -> None:
        if isinstance(expression, expressions.Product) and expression.is_term:
            *first, last = self.factors(expression)
            joined = [self.vectors.multiplied(first)] if first else []
            self._factors[out] = [*joined, last]
        else:
            self._values[out] = _written(expression, self)

    def factors(self, product: expressions.Product) -> list[Value]:
        """The vectors that are to be multiplied."""
        first, *others = (self.vector(factor) for factor in product.factors)
        if product.power:
            power = self.vectors.splat(2.0**product.power, product.factors[0].dtype)
            first = self.vectors.builder.fmul(first, power)
        return [first, *others]

    def fused(self, product: Variable, exponent: int) -> list[Value]:
        """The factors of a product that waits for its sum, at an exponent."""
        *first, last = self._factors[product]
        own = self.analysis.expressions[product].exponent
        if own != exponent:
            factor = self.vectors.splat(2.0 ** (own - exponent), product.type.dtype)
            last = self.vectors.builder.fmul(last, factor)
        return [*first, last]

    def vector(self, operand: Operand) -> Value:
        """The vector of an operand, moved to its exponent and cast if need be."""
        variable, exponent, dtype = operand.variable, operand.exponent, operand.dtype
        v = self.vectors
        if isinstance(variable, Constant):
            number = variable.data.item()
            return v.splat(np.ldexp(float(number), -exponent) if exponent else number, dtype)
        own = self.analysis.exponent(variable, dtype)
        if own == exponent:
            return self._as_written(variable, dtype)
        key = variable, exponent, dtype
        if key not in self._moved:
            with v.at(self._place(variable)):
                vector = self._as_written(variable, dtype)
                factor = v.splat(2.0 ** (own - exponent), dtype)
                self._moved[key] = v.builder.fmul(vector, factor)
        return self._moved[key]

    def _as_written(self, variable: Variable, dtype: str) -> Value:
        """The vector of a variable at its own exponent, cast if need be."""
        own = variable.type.dtype
        if own != dtype:
            value = self.vector(Operand(variable, 0, own))
            return scalar_operations.cast(self.vectors, value, own, dtype)
        if variable in self._factors:
            return self.vectors.multiplied(self._factors[variable])
        return self._values[variable]


@singledispatch
def _written(expression: Expression, writer: ElementwiseWriter) -> Value:
    """Write an expression, by its class; return its vector."""
    raise TypeError(type(expression))


@_written.register
def _copy(expression: expressions.Copy, writer: ElementwiseWriter) -> Value:
    return writer.vector(expression.operand)


@_written.register
def _product(expression: expressions.Product, writer: ElementwiseWriter) -> Value:
    return writer.vectors.multiplied(writer.factors(expression))


@_written.register
def _square(expression: expressions.Square, writer: ElementwiseWriter) -> Value:
    vector = writer.vector(expression.factor)
    return writer.vectors.builder.fmul(vector, vector)


@_written.register
def _absolute(expression: expressions.Absolute, writer: ElementwiseWriter) -> Value:
    return writer.vectors.absolute(writer.vector(expression.operand))


@_written.register
def _tanh(expression: expressions.Tanh, writer: ElementwiseWriter) -> Value:
    argument = writer.vector(expression.argument)
    return math_functions.tanh(writer.vectors, argument, expression.shift)


@_written.register
def _sum(expression: expressions.Sum, writer: ElementwiseWriter) -> Value:
    v, terms = writer.vectors, expression.terms
    products = [writer.fused(product, expression.exponent) for product in expression.products]
    value = writer.vector(terms[0]) if terms else v.multiplied(products.pop(0))
    for term in terms[1:]:
        value = v.builder.fadd(value, writer.vector(term))
    for factors in products:
        value = v.plus(value, factors)
    return value


@_written.register
def _difference(expression: expressions.Difference, writer: ElementwiseWriter) -> Value:
    v, exponent = writer.vectors, expression.exponent
    first, second = expression.first, expression.second
    if expression.fused == 1:
        factor, *others = writer.fused(second.variable, exponent)
        return v.plus(writer.vector(first), [v.builder.fneg(factor), *others])
    if expression.fused == 0:
        negative = v.builder.fneg(writer.vector(second))
        return v.plus(negative, writer.fused(first.variable, exponent))
    return v.builder.fsub(writer.vector(first), writer.vector(second))


@_written.register
def _operation(expression: expressions.Operation, writer: ElementwiseWriter) -> Value:
    values = [writer.vector(operand) for operand in expression.operands]
    dtype, result = expression.dtype, expression.result
    given = scalar_operations.Arguments(writer.vectors, values, dtype, result)
    return scalar_operations.write(expression.op, given)
