"""Finds in a graph the sigmoid layers whose patterns are the corners of a hypercube.

A pre-activation at a corner is a sum along the edges that lead there, so its exponential is a
product of the edges' exponentials: one for each input, and one more, serve all patterns
(`runner.engines.simd.hypercube_writer`). Sums over patterns share terms in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.scalar import basic as scalar
from pytensor.tensor.math import Dot

from runner.engines.simd.exponents import is_elementwise, number
from runner.engines.simd.type_aliases import Node, Variable

FEWEST_INPUTS = 3
"""With two there are as many exponentials as patterns, nearly."""

MOST_INPUTS = 16
"""So many factors from sqrt(1/2) to sqrt(2) make a number that leaves room for an exponent."""


@dataclass(frozen=True)
class Hypercube:
    """All combinations of two levels of each input, the last input changing fastest."""

    low: tuple[float, ...]
    """The first level of each input."""
    high: tuple[float, ...]
    """The second one."""
    rows: np.ndarray
    """The patterns (n_patterns, n_inputs)."""


@dataclass(frozen=True)
class HypercubeLayer:
    """A layer of sigmoid units, 1/2 + tanh(z/2)/2, at all corners of a hypercube."""

    tanh: Variable
    """tanh(z/2), shape (n_patterns, n_units)."""
    outputs: tuple[Variable, ...]
    """What is the units' outputs."""
    slopes: tuple[Variable, ...]
    """What is 1 - tanh(z/2)**2: four times the outputs' derivative."""
    hypercube: Hypercube
    """The corners."""
    weights: Variable
    """Shape (n_inputs, n_units)."""
    bias: Variable | None
    """Shape (1, n_units)."""
    inside: tuple[Node, ...]
    """The operations that nothing but these outputs and slopes needs."""

    @property
    def given(self) -> list[Variable]:
        """What the layer is computed from."""
        return [self.weights] if self.bias is None else [self.weights, self.bias]


def hypercube_of(data: np.ndarray) -> Hypercube | None:
    """Return the hypercube whose corners a matrix's rows are; None if they are not."""
    n = data.shape[1] if data.ndim == 2 else 0
    if not FEWEST_INPUTS <= n <= MOST_INPUTS or len(data) != 2**n or not np.isfinite(data).all():
        return None
    is_high = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)[::-1]) & 1 == 1
    low, high = data[0], data[-1]
    if not np.array_equal(data, np.where(is_high, high, low)):
        return None
    return Hypercube(tuple(map(float, low)), tuple(map(float, high)), data)


def hypercube_layer(graph: FunctionGraph, node: Node) -> HypercubeLayer | None:
    """Return the layer at a hypercube's corners whose tanh a node is; None if it is none's."""
    if not is_elementwise(node, scalar.Tanh):
        return None
    (half,), (tanh,) = node.inputs, node.outputs
    z = _multiplied(half, 0.5)
    if z is None:
        return None
    terms = z.owner.inputs if is_elementwise(z.owner, scalar.Add) else [z]
    products = [x for x in terms if x.owner is not None and isinstance(x.owner.op, Dot)]
    rows = [x for x in terms if x not in products]
    if len(products) != 1 or len(rows) > 1:
        return None
    patterns, weights = products[0].owner.inputs
    hypercube = hypercube_of(patterns.data) if isinstance(patterns, Constant) else None
    before = dict.fromkeys((*products, z, half))
    if hypercube is None or any(len(graph.clients[x]) != 1 for x in before):
        return None
    if any(x.type.shape != (1, weights.type.shape[1]) for x in rows):
        return None
    used = _uses(graph, tanh)
    if used is None:
        return None
    outputs, slopes, behind = used
    inside = (*(x.owner for x in before), node, *behind)
    return HypercubeLayer(
        tanh, outputs, slopes, hypercube, weights, rows[0] if rows else None, inside
    )


def _uses(
    graph: FunctionGraph, tanh: Variable
) -> tuple[tuple[Variable, ...], tuple[Variable, ...], tuple[Node, ...]] | None:
    """What is 1/2 + tanh/2, what is 1 - tanh**2, the nodes between; None if there are others."""
    outputs: list[Variable] = []
    slopes: list[Variable] = []
    between: list[Node] = []
    for user, _ in graph.clients[tanh]:
        for part in user.outputs:
            for last, _ in graph.clients[part]:
                numbers = [number(x) for x in last.inputs]
                if is_elementwise(user, scalar.Sqr) and is_elementwise(last, scalar.Sub):
                    found, expected = slopes, [[1.0, None]]
                elif _multiplied(part, 0.5) is tanh and is_elementwise(last, scalar.Add):
                    found, expected = outputs, [[0.5, None], [None, 0.5]]
                else:
                    return None
                if numbers not in expected:
                    return None
                found.append(last.outputs[0])
        between.append(user)
    return tuple(outputs), tuple(slopes), tuple(between)


def _multiplied(variable: Variable, factor: float) -> Variable | None:
    """What is multiplied by a constant factor to make a variable; None if it is made otherwise."""
    node = variable.owner
    if not is_elementwise(node, scalar.Mul) or len(node.inputs) != 2:
        return None
    others = [x for x in node.inputs if number(x) != factor]
    return others[0] if len(others) == 1 else None
