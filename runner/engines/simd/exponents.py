"""Which exponent each vector of an elementwise graph is written at: the first of two passes.

What a sigmoid multiplies by, here as 1/2 + tanh(z/2)/2, and what a mean divides by, are powers of
two. So the values that come from a tanh are written as a vector and an exponent, which costs
nothing: a product adds exponents, a sum needs equal ones, a constant takes them in. No rounding
changes by that, unless a number is within these few powers of the dtype's limits. It spares a
tenth of the multiplications.

This first pass finds the exponent of every vector, which products are part of a fused multiply-add,
and what is the same in every step. `runner.engines.simd.elementwise` is the second: it writes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import singledispatch

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.scalar import basic as scalar
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise

from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.expressions import (
    Absolute,
    Copy,
    Difference,
    Expression,
    Operand,
    Operation,
    Product,
    Square,
    Sum,
    Tanh,
)
from runner.engines.simd.scalar_operations import COMPARISONS
from runner.engines.simd.type_aliases import Node, Op, Variable
from runner.engines.simd.vectors import DTYPES, FLOATS

_FURTHEST = 8
"""Largest exponent of either sign: no coefficient of tanh leaves the range of float32 by it."""


class Analysis:
    """The expressions of a graph.

    Parameters
    ----------
    graph : FunctionGraph
        Elementwise, each variable a vector over lanes.
    fixed : collection of variables, optional
        Inputs that are the same in every step, if the graph is that of a step: what depends on
        them alone is written once, before the first step.

    Raises
    ------
    UnknownOperation
        If the graph holds what is not elementwise, or a dtype that there are no vectors of.
    """

    def __init__(self, graph: FunctionGraph, fixed: Collection[Variable] | None = None) -> None:
        self.graph = graph
        self.order: Sequence[Node] = graph.toposort()
        """The nodes, each after those that it depends on."""
        self.expressions: dict[Variable, Expression] = {}
        """By the variable that is computed."""
        self.once: set[Variable] = set(fixed or ())
        """What is the same in every step."""
        self._carrying: set[Variable] = set()  # what comes from a tanh, and so may have exponents
        for node in self.order:
            (out,) = node.outputs
            if fixed is not None and all(
                isinstance(v, Constant) or v in self.once for v in node.inputs
            ):
                self.once.add(out)
            self.expressions[out] = self._expression(node, out)

    def _expression(self, node: Node, out: Variable) -> Expression:
        vectors = [v for v in (*node.inputs, out) if not isinstance(v, Constant)]
        strange = {v.type.dtype for v in vectors} - DTYPES
        if strange:
            raise UnknownOperation(f"{operation_name(node)} with {', '.join(sorted(strange))}")
        if isinstance(node.op, DimShuffle | Alloc):  # a constant, stretched over the lanes
            return Copy(0, self.plain(node.inputs[0]))
        if not isinstance(node.op, Elemwise):
            raise UnknownOperation(str(node.op))
        op = node.op.scalar_op
        if out.type.dtype not in FLOATS and not isinstance(op, COMPARISONS):
            return self.operation(node)
        if _carries(op, any(v in self._carrying for v in node.inputs)):
            self._carrying.add(out)
        return _annotated(op, self, node)

    def carries(self, variable: Variable) -> bool:
        """Whether a variable comes from a tanh, by arithmetic alone."""
        return variable in self._carrying

    def exponent(self, variable: Variable, dtype: str) -> int:
        """The exponent at which a variable is written; a cast vector has none."""
        if variable.type.dtype != dtype or variable not in self.expressions:
            return 0
        return self.expressions[variable].exponent

    def common_exponent(self, terms: Sequence[Variable]) -> int:
        """The exponent at which terms are added: that of the first one that comes from a tanh."""
        for term in terms:
            if term in self._carrying:
                return self.exponent(term, term.type.dtype)
        return 0

    def operand(self, variable: Variable, exponent: int, dtype: str | None = None) -> Operand:
        """A variable at an exponent."""
        if isinstance(variable, Constant) and number(variable) is None:
            raise UnknownOperation(str(variable))
        return Operand(variable, exponent, dtype or variable.type.dtype)

    def plain(self, variable: Variable, dtype: str | None = None) -> Operand:
        """A variable as it is."""
        return self.operand(variable, 0, dtype)

    def as_written(self, variable: Variable, dtype: str) -> Operand:
        """A variable at the exponent at which it is written."""
        return self.operand(variable, self.exponent(variable, dtype), dtype)

    def is_fused(self, variable: Variable) -> bool:
        """Whether a variable is a product that is part of a fused multiply-add."""
        expression = self.expressions.get(variable)
        return isinstance(expression, Product) and expression.is_term

    def operation(self, node: Node, exponent: int = 0) -> Operation:
        """A scalar operation; of operands at an exponent, if it is a comparison."""
        op, (out,), inputs = node.op.scalar_op, node.outputs, node.inputs
        dtype = inputs[-1].type.dtype
        if isinstance(op, COMPARISONS):
            dtype = scalar.upcast(*(v.type.dtype for v in inputs))
        elif not isinstance(op, scalar.Cast) and out.type.dtype != "bool":
            dtype = out.type.dtype
        conditions = 1 if isinstance(op, scalar.Switch) else 0
        if conditions and inputs[0].type.dtype != "bool":
            raise UnknownOperation(f"Switch by {inputs[0].type.dtype}")
        operands = [self.plain(v) for v in inputs[:conditions]]
        cast = None if isinstance(op, scalar.Cast) else dtype
        operands += [self.operand(v, exponent, cast) for v in inputs[conditions:]]
        return Operation(0, op, tuple(operands), dtype, out.type.dtype)


_ARITHMETIC = (scalar.Add, scalar.Sub, scalar.Mul, scalar.Sqr, scalar.Pow, scalar.Abs)


def _carries(op: Op, inputs_carry: bool) -> bool:
    """Whether the result of an operation may have an exponent."""
    return isinstance(op, scalar.Tanh) or (inputs_carry and isinstance(op, _ARITHMETIC))


@singledispatch
def _annotated(op: Op, known: Analysis, node: Node) -> Expression:
    """The expression of a node, by the class of its scalar operation."""
    if not isinstance(op, COMPARISONS):
        return known.operation(node)
    # With a constant, what comes from a tanh is compared at its exponent.
    dtypes = {variable.type.dtype for variable in node.inputs}
    constant = any(isinstance(variable, Constant) for variable in node.inputs)
    same = constant and len(dtypes) == 1
    return known.operation(node, known.common_exponent(node.inputs) if same else 0)


@_annotated.register
def _multiply(op: scalar.Mul, known: Analysis, node: Node) -> Expression:
    (out,), dtype = node.outputs, node.outputs[0].type.dtype
    is_term = _is_term(known.graph, node)
    if not known.carries(out):
        factors = tuple(known.plain(v, dtype) for v in node.inputs)
        return Product(0, factors, 0, is_term)
    powers = [power for v in node.inputs if (power := _power(v)) is not None]
    variables = [v for v in node.inputs if _power(v) is None]
    operands = [known.as_written(v, dtype) for v in variables]
    exponent = sum(powers) + sum(operand.exponent for operand in operands)
    for i, variable in enumerate(variables):
        if exponent and (isinstance(variable, Constant) or variable in known.once):
            # it takes them in
            operands[i] = known.operand(variable, operands[i].exponent - exponent, dtype)
            exponent = 0
    if abs(exponent) > _FURTHEST:
        # not as a factor of its own: the last one is not rounded before a sum
        return Product(0, tuple(operands), exponent, is_term)
    return Product(exponent, tuple(operands), 0, is_term)


def _square_of_first(known: Analysis, node: Node) -> Expression:
    variable, dtype = node.inputs[0], node.outputs[0].type.dtype
    factor = known.as_written(variable, dtype)
    if abs(2 * factor.exponent) > _FURTHEST:
        factor = known.plain(variable, dtype)
    return Square(2 * factor.exponent, factor)


@_annotated.register
def _square(op: scalar.Sqr, known: Analysis, node: Node) -> Expression:
    return _square_of_first(known, node)


@_annotated.register
def _power_of(op: scalar.Pow, known: Analysis, node: Node) -> Expression:
    squared = number(node.inputs[1]) == 2
    return _square_of_first(known, node) if squared else known.operation(node)


@_annotated.register
def _absolute(op: scalar.Abs, known: Analysis, node: Node) -> Expression:
    operand = known.as_written(node.inputs[0], node.outputs[0].type.dtype)
    return Absolute(operand.exponent, operand)


@_annotated.register
def _tanh(op: scalar.Tanh, known: Analysis, node: Node) -> Expression:
    (argument,) = node.inputs
    dtype, shift, made_by = node.outputs[0].type.dtype, 0, argument.owner
    if is_elementwise(made_by, scalar.Mul) and len(made_by.inputs) == 2:
        powers = [_power(v) for v in made_by.inputs]
        others = [v for v, power in zip(made_by.inputs, powers, strict=True) if power is None]
        if len(others) == 1 and others[0].type.dtype == dtype:
            (argument,), shift = others, sum(power or 0 for power in powers)
    operand = known.as_written(argument, dtype)
    shift += operand.exponent
    if abs(shift) > _FURTHEST:
        return Tanh(0, known.plain(node.inputs[0], dtype), 0)
    return Tanh(0, operand, shift)


@_annotated.register
def _add(op: scalar.Add, known: Analysis, node: Node) -> Expression:
    exponent, dtype = known.common_exponent(node.inputs), node.outputs[0].type.dtype
    terms = [known.operand(v, exponent, dtype) for v in node.inputs if not known.is_fused(v)]
    return Sum(exponent, tuple(terms), tuple(v for v in node.inputs if known.is_fused(v)))


@_annotated.register
def _subtract(op: scalar.Sub, known: Analysis, node: Node) -> Expression:
    exponent, dtype = known.common_exponent(node.inputs), node.outputs[0].type.dtype
    first, second = (known.operand(v, exponent, dtype) for v in node.inputs)
    fused = next((i for i in (1, 0) if known.is_fused(node.inputs[i])), None)
    return Difference(exponent, first, second, fused)


def _is_term(graph: FunctionGraph, node: Node) -> bool:
    """Whether a product is needed in one sum only."""
    (out,) = node.outputs
    clients = graph.clients[out]
    if len(clients) != 1:
        return False
    client = clients[0][0]
    return (
        is_elementwise(client, scalar.Add, scalar.Sub)
        and client.outputs[0].type.dtype == out.type.dtype
    )


def is_elementwise(node: Node | None, *operations: type[Op]) -> bool:
    """Whether there is a node and it is one of some scalar operations, elementwise."""
    if node is None or not isinstance(node.op, Elemwise):
        return False
    return isinstance(node.op.scalar_op, operations)


def operation_name(node: Node) -> str:
    """What a node does, for a message."""
    return type(getattr(node.op, "scalar_op", node.op)).__name__


def number(variable: Variable) -> float | None:
    """The number that a constant is."""
    if isinstance(variable, Constant) and variable.data.size == 1:
        return float(variable.data.item())
    return None


def _power(variable: Variable) -> int | None:
    """The exponent of a constant that is a power of two, a small one."""
    value = number(variable)
    if value is None or value <= 0 or not np.isfinite(value):
        return None
    mantissa, exponent = np.frexp(value)
    return int(exponent) - 1 if mantissa == 0.5 and abs(exponent - 1) <= _FURTHEST else None
