"""An elementwise graph, written down as one straight line of vector instructions.

What a sigmoid multiplies by, here as 1/2 + tanh(z/2)/2, and what a mean divides by, are powers of
two. So the values that come from a tanh are written as a vector and an exponent, which costs
nothing: a product adds exponents, a sum needs equal ones, a constant takes them in. No rounding
changes by that, unless a number is within these few powers of the dtype's limits. It spares a
tenth of the multiplications.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import ancestors
from pytensor.scalar.basic import upcast
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise

from runner.engines.simd.vectors import COMPARISONS, DTYPES, FLOATS, Vectors

_FURTHEST = 8
"""Largest exponent of either sign: no coefficient of tanh leaves the range of float32 by it."""

Scaled = tuple[Any, int]  # a vector and an exponent: together vector * 2**exponent


class UnknownOperation(NotImplementedError):
    """A graph holds something that has no vector code here."""


class Line:
    """Writes a graph's operations, one after the other.

    Parameters
    ----------
    graph : FunctionGraph
    vectors : Vectors
        Where they stand, the operations are written.
    values : mapping
        A vector for every input of the graph.
    fixed : sequence of variables
        Inputs that are the same in every step.
    before : IRBuilder, optional
        Where what depends on the fixed inputs alone is written.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        vectors: Vectors,
        values: Mapping[Any, Any],
        fixed: Sequence[Any] = (),
        before: Any = None,
    ) -> None:
        self.graph = graph
        self._vectors = vectors
        self._left = graph.toposort()
        self._values: dict[Any, Scaled] = {v: (value, 0) for v, value in values.items()}
        # To be fused with the sums they are in: one or two factors, and the exponent. One that is
        # left with a single factor keeps its place there, as the order decides the rounding.
        self._products: dict[Any, tuple[list[Any], int]] = {}
        self._moved: dict[tuple[Any, int, str], Any] = {}  # vectors at other exponents
        self._carrying: set[Any] = set()  # what comes from a tanh, and so may have exponents
        self._fixed = set(fixed)  # what is the same in every step
        self._before = before

    def write(self, variables: Sequence[Any]) -> list[Any]:
        """Write what some variables need and is not there yet; return their vectors."""
        needed = {variable.owner for variable in ancestors(variables)}
        now = [node for node in self._left if node in needed]
        self._left = [node for node in self._left if node not in needed]
        for node in now:
            (out,) = node.outputs
            fixed = all(isinstance(v, Constant) or v in self._fixed for v in node.inputs)
            if fixed and self._before is not None:
                self._fixed.add(out)
                with self._vectors.at(self._before):
                    self._write(node, out)
            else:
                self._write(node, out)
        return [self._value(variable) for variable in variables]

    def _write(self, node: Any, out: Any) -> None:
        """Write one operation."""
        vectors = [v for v in (*node.inputs, out) if not isinstance(v, Constant)]
        strange = {v.type.dtype for v in vectors} - DTYPES
        if strange:
            raise UnknownOperation(f"{operation_name(node)} with {', '.join(sorted(strange))}")
        if isinstance(node.op, DimShuffle | Alloc):  # a constant, stretched over the lanes
            self._values[out] = self._value(node.inputs[0]), 0
        elif not isinstance(node.op, Elemwise):
            raise UnknownOperation(str(node.op))
        elif out.type.dtype in FLOATS and operation_name(node) in _ARITHMETIC:
            if any(v in self._carrying for v in node.inputs) or operation_name(node) == "Tanh":
                self._carrying.add(out)
            getattr(self, _ARITHMETIC[operation_name(node)])(node, out)
        elif operation_name(node) in COMPARISONS and any(v in self._carrying for v in node.inputs):
            self._values[out] = self._comparison(node), 0
        else:
            self._values[out] = self._operation(node), 0

    def _value(self, variable: Any, dtype: str | None = None) -> Any:
        """The vector that a variable is in, made one of another dtype if need be."""
        return self._at(variable, 0, dtype)

    def _scaled(self, variable: Any, dtype: str) -> Scaled:
        """A variable as a vector and an exponent."""
        if isinstance(variable, Constant):
            return self._value(variable, dtype), 0
        own = variable.type.dtype
        if own != dtype:
            cast = self._vectors.operation("Cast", own, [self._value(variable)], dtype)
            if cast is None:
                raise UnknownOperation(f"Cast of {own} to {dtype}")
            return cast, 0
        if variable in self._products:
            factors, exponent = self._products[variable]
            return self._vectors.multiplied(factors), exponent
        return self._values[variable]

    def _at(self, variable: Any, exponent: int, dtype: str | None = None) -> Any:
        """The vector of a variable at an exponent, made one of another dtype if need be."""
        v, dtype = self._vectors, dtype or variable.type.dtype
        number = _number(variable)
        if isinstance(variable, Constant):
            if number is None:
                raise UnknownOperation(str(variable))
            return v.splat(np.ldexp(number, -exponent) if exponent else variable.data.item(), dtype)
        if self._exponent(variable, dtype) == exponent:
            return self._scaled(variable, dtype)[0]
        key = variable, exponent, dtype
        if key not in self._moved:
            # once for all steps, if the variable is the same in all of them
            outside = variable in self._fixed and self._before is not None
            with v.at(self._before if outside else v.builder):
                vector, own = self._scaled(variable, dtype)
                factor = v.splat(2.0 ** (own - exponent), dtype)
                self._moved[key] = v.builder.fmul(vector, factor)
        return self._moved[key]

    def _exponent(self, variable: Any, dtype: str) -> int:
        """The exponent that `_scaled` gives, without writing anything."""
        if variable.type.dtype != dtype or isinstance(variable, Constant):
            return 0
        return (
            self._products[variable][1] if variable in self._products else self._values[variable][1]
        )

    def _factors(self, node: Any, out: Any) -> tuple[list[Any], int]:
        """The vectors that are to be multiplied, and the exponent of their product."""
        dtype, factors = out.type.dtype, list(node.inputs)
        if out not in self._carrying:
            return [self._value(f, dtype) for f in factors], 0
        exponent = 0
        for factor in [f for f in factors if _power(f) is not None]:
            factors.remove(factor)
            exponent += _power(factor) or 0
        scaled = [self._scaled(f, dtype) for f in factors]
        exponent += sum(e for _, e in scaled)
        vectors = [vector for vector, _ in scaled]
        for i, factor in enumerate(factors):
            own = scaled[i][1]
            if exponent and (isinstance(factor, Constant) or factor in self._fixed):
                vectors[i] = self._at(factor, own - exponent, dtype)  # it takes them in
                exponent = 0
        if abs(exponent) > _FURTHEST:
            # not as a factor of its own: the last one is not rounded before a sum
            power = self._vectors.splat(2.0**exponent, dtype)
            vectors[0], exponent = self._vectors.builder.fmul(vectors[0], power), 0
        return vectors, exponent

    def _multiply(self, node: Any, out: Any) -> None:
        vectors, exponent = self._factors(node, out)
        if self._is_term(node):
            *first, last = vectors
            joined = [self._vectors.multiplied(first)] if first else []
            self._products[out] = [*joined, last], exponent
        else:
            self._values[out] = self._vectors.multiplied(vectors), exponent

    def _is_term(self, node: Any) -> bool:
        """Whether a product is needed in one sum only, and so is part of a fused multiply-add."""
        (out,) = node.outputs
        clients = self.graph.clients[out]
        if len(clients) != 1:
            return False
        client = clients[0][0]
        return (
            operation_name(client) in ("Add", "Sub")
            and client.outputs[0].type.dtype == out.type.dtype
        )

    def _square(self, node: Any, out: Any) -> None:
        vector, exponent = self._scaled(node.inputs[0], out.type.dtype)
        if abs(2 * exponent) > _FURTHEST:
            vector, exponent = self._value(node.inputs[0], out.type.dtype), 0
        self._values[out] = self._vectors.builder.fmul(vector, vector), 2 * exponent

    def _power_of(self, node: Any, out: Any) -> None:
        if _number(node.inputs[1]) == 2:
            self._square(node, out)
        else:
            self._values[out] = self._operation(node), 0

    def _absolute(self, node: Any, out: Any) -> None:
        vector, exponent = self._scaled(node.inputs[0], out.type.dtype)
        self._values[out] = self._vectors.absolute(vector), exponent

    def _tanh(self, node: Any, out: Any) -> None:
        """Write a tanh; its coefficients take in what its argument is multiplied by."""
        (argument,) = node.inputs
        dtype, shift = out.type.dtype, 0
        made_by = argument.owner
        if made_by is not None and operation_name(made_by) == "Mul" and len(made_by.inputs) == 2:
            powers = [_power(v) for v in made_by.inputs]
            others = [v for v, power in zip(made_by.inputs, powers, strict=True) if power is None]
            if len(others) == 1 and others[0].type.dtype == dtype:
                (argument,), shift = others, sum(power or 0 for power in powers)
        vector, exponent = self._scaled(argument, dtype)
        exponent += shift
        if abs(exponent) > _FURTHEST:
            vector, exponent = self._value(node.inputs[0], dtype), 0
        self._values[out] = self._vectors.tanh(vector, exponent), 0

    def _add(self, node: Any, out: Any) -> None:
        """Add terms: first what stands alone, then the products, fused."""
        v, dtype = self._vectors, out.type.dtype
        exponent = self._common(node.inputs)
        alone = [term for term in node.inputs if term not in self._products]
        products = [self._product_at(t, exponent) for t in node.inputs if t in self._products]
        value = self._at(alone[0], exponent, dtype) if alone else v.multiplied(products.pop(0))
        for term in alone[1:]:
            value = v.builder.fadd(value, self._at(term, exponent, dtype))
        for factors in products:
            value = v.plus(value, factors)
        self._values[out] = value, exponent

    def _subtract(self, node: Any, out: Any) -> None:
        v, dtype = self._vectors, out.type.dtype
        a, b = node.inputs
        exponent = self._common(node.inputs)
        if b in self._products:
            first, *rest = self._product_at(b, exponent)
            value = v.plus(self._at(a, exponent, dtype), [v.builder.fneg(first), *rest])
        elif a in self._products:
            negative = v.builder.fneg(self._at(b, exponent, dtype))
            value = v.plus(negative, self._product_at(a, exponent))
        else:
            terms = [self._at(term, exponent, dtype) for term in (a, b)]
            value = v.builder.fsub(*terms)
        self._values[out] = value, exponent

    def _common(self, terms: Sequence[Any]) -> int:
        """The exponent at which terms are added: that of the first one that comes from a tanh."""
        for term in terms:
            if term in self._carrying:
                return self._exponent(term, term.type.dtype)
        return 0

    def _product_at(self, variable: Any, exponent: int) -> list[Any]:
        """The factors of a product, at an exponent."""
        (*first, last), own = self._products[variable]
        if own != exponent:
            factor = self._vectors.splat(2.0 ** (own - exponent), variable.type.dtype)
            last = self._vectors.builder.fmul(last, factor)
        return [*first, last]

    def _comparison(self, node: Any) -> Any:
        """Compare with what comes from a tanh, at its exponent if the other is a constant."""
        dtypes = {variable.type.dtype for variable in node.inputs}
        constant = any(isinstance(variable, Constant) for variable in node.inputs)
        if not constant or len(dtypes) > 1:
            return self._operation(node)
        (dtype,) = dtypes
        exponent = self._common(node.inputs)
        values = [self._at(variable, exponent) for variable in node.inputs]
        return self._vectors.operation(operation_name(node), dtype, values, "bool")

    def _operation(self, node: Any) -> Any:
        """Write any other operation."""
        name, out, inputs = operation_name(node), node.outputs[0], node.inputs
        kind = inputs[-1].type.dtype
        if name in COMPARISONS:
            kind = upcast(*(variable.type.dtype for variable in inputs))
        elif name != "Cast" and out.type.dtype != "bool":
            kind = out.type.dtype
        if name == "Switch" and inputs[0].type.dtype != "bool":
            raise UnknownOperation(f"Switch by {inputs[0].type.dtype}")
        flags = 1 if name == "Switch" else 0  # what is a bool anyway
        values = [self._value(v) for v in inputs[:flags]]
        values += [self._value(v, kind if name != "Cast" else None) for v in inputs[flags:]]
        written = self._vectors.operation(name, kind, values, out.type.dtype)
        if written is None:
            raise UnknownOperation(f"{name} of {kind}")
        return written


_ARITHMETIC = {
    "Add": "_add",
    "Sub": "_subtract",
    "Mul": "_multiply",
    "Sqr": "_square",
    "Pow": "_power_of",
    "Abs": "_absolute",
    "Tanh": "_tanh",
}
"""What is written here, by the name of the operation; all else is an operation on vectors."""


def operation_name(node: Any) -> str:
    """What an elementwise node does to numbers."""
    return type(getattr(node.op, "scalar_op", node.op)).__name__


def _number(variable: Any) -> float | None:
    """The number that a constant is."""
    if isinstance(variable, Constant) and variable.data.size == 1:
        return float(variable.data.item())
    return None


def _power(variable: Any) -> int | None:
    """The exponent of a constant that is a power of two, a small one."""
    number = _number(variable)
    if number is None or number <= 0 or not np.isfinite(number):
        return None
    mantissa, exponent = np.frexp(number)
    return int(exponent) - 1 if mantissa == 0.5 and abs(exponent - 1) <= _FURTHEST else None
