"""An elementwise graph, written down as one straight line of vector instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.scalar.basic import upcast
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise

from runner.engines.vectors import COMPARISONS, FLOATS, Vectors


class UnknownOperation(NotImplementedError):
    """A graph holds an operation that is not elementwise, or has no vector code here."""


class Line:
    """Writes a graph's operations, one after the other.

    Parameters
    ----------
    graph : FunctionGraph
    vectors : Vectors
    """

    def __init__(self, graph: FunctionGraph, vectors: Vectors) -> None:
        self.graph = graph
        self._vectors = vectors
        self._values: dict[Any, Any] = {}
        self._products: dict[Any, tuple[Any, Any]] = {}  # to be fused with the sum they are in

    def write(self, values: Mapping[Any, Any]) -> list[Any]:
        """Write the operations where ``vectors`` stands; return the graph's outputs.

        Parameters
        ----------
        values : mapping
            A vector for every input of the graph.
        """
        self._values |= values
        for node in self.graph.toposort():
            (out,) = node.outputs
            if isinstance(node.op, DimShuffle | Alloc):  # a constant, stretched over the lanes
                self._values[out] = self._value(node.inputs[0])
            elif not isinstance(node.op, Elemwise):
                raise UnknownOperation(str(node.op))
            elif self._is_term(node):
                *others, last = node.inputs
                dtype = out.type.dtype
                self._products[out] = (self._product(others, dtype), self._value(last, dtype))
            else:
                self._values[out] = self._operation(node)
        return [self._value(variable) for variable in self.graph.outputs]

    def _is_term(self, node: Any) -> bool:
        """Whether a product is needed in one sum only, and so is part of a fused multiply-add."""
        (out,) = node.outputs
        clients = self.graph.clients[out]
        if out.type.dtype not in FLOATS or _name(node) != "Mul" or len(clients) != 1:
            return False
        client = clients[0][0]
        return _name(client) in ("Add", "Sub") and client.outputs[0].type.dtype == out.type.dtype

    def _value(self, variable: Any, dtype: str | None = None) -> Any:
        """The vector that a variable is in, made one of another dtype if need be."""
        own = variable.type.dtype
        dtype = dtype or own
        if isinstance(variable, Constant):
            if variable.data.size != 1:
                raise UnknownOperation(str(variable))
            return self._vectors.splat(variable.data.item(), dtype)
        if variable in self._products:
            value = self._vectors.builder.fmul(*self._products[variable])
        else:
            value = self._values[variable]
        if own == dtype:
            return value
        cast = self._vectors.operation("Cast", own, [value], dtype)
        if cast is None:
            raise UnknownOperation(f"Cast of {own} to {dtype}")
        return cast

    def _product(self, factors: Sequence[Any], dtype: str) -> Any:
        value = self._value(factors[0], dtype)
        for factor in factors[1:]:
            value = self._vectors.builder.fmul(value, self._value(factor, dtype))
        return value

    def _sum(self, terms: Sequence[Any], dtype: str) -> Any:
        """Add terms: first what stands alone, then the products, fused."""
        alone = [term for term in terms if term not in self._products]
        products = [self._products[term] for term in terms if term in self._products]
        if alone:
            value = self._value(alone[0], dtype)
        else:
            value = self._vectors.builder.fmul(*products.pop(0))
        for term in alone[1:]:
            value = self._vectors.builder.fadd(value, self._value(term, dtype))
        for a, b in products:
            value = self._vectors.fused(a, b, value)
        return value

    def _difference(self, a: Any, b: Any, dtype: str) -> Any:
        v = self._vectors
        if b in self._products:
            left, right = self._products[b]
            return v.fused(v.builder.fneg(left), right, self._value(a, dtype))
        if a in self._products:
            return v.fused(*self._products[a], v.builder.fneg(self._value(b, dtype)))
        return v.builder.fsub(self._value(a, dtype), self._value(b, dtype))

    def _operation(self, node: Any) -> Any:
        """Write one operation."""
        name, out, inputs = _name(node), node.outputs[0], node.inputs
        dtype = out.type.dtype
        if dtype in FLOATS:
            if name == "Add":
                return self._sum(inputs, dtype)
            if name == "Sub":
                return self._difference(inputs[0], inputs[1], dtype)
            if name == "Mul":
                return self._product(inputs, dtype)
            if name == "Pow" and _number(inputs[1]) == 2:
                return self._product([inputs[0], inputs[0]], dtype)
        kind = inputs[-1].type.dtype
        if name in COMPARISONS:
            kind = upcast(*(variable.type.dtype for variable in inputs))
        elif name != "Cast" and out.type.dtype != "bool":
            kind = out.type.dtype
        flags = 1 if name == "Switch" else 0  # what is a bool anyway
        values = [self._value(v) for v in inputs[:flags]]
        values += [self._value(v, kind if name != "Cast" else None) for v in inputs[flags:]]
        written = self._vectors.operation(name, kind, values, out.type.dtype)
        if written is None:
            raise UnknownOperation(f"{name} of {kind}")
        return written


def _name(node: Any) -> str:
    """What an elementwise node does to numbers."""
    return type(getattr(node.op, "scalar_op", node.op)).__name__


def _number(variable: Any) -> float | None:
    """The number that a constant is."""
    if isinstance(variable, Constant) and variable.data.size == 1:
        return float(variable.data.item())
    return None
