"""Strip mining: what a graph computes pattern by pattern, cut into strips of some patterns.

A strip's matrices stay in the nearest cache from the first layer to the sums over patterns. Only
graphs with a layer at a hypercube's corners are cut (`runner.engines.simd.hypercube_layers`): sums
over strips have another order than sums over all patterns, and so other bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import ancestors
from pytensor.scalar import basic as scalar
from pytensor.tensor.basic import as_tensor
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.math import mul as multiply
from pytensor.tensor.math import sub as subtract
from pytensor.tensor.type import TensorType

from runner.engines.simd.exponents import is_elementwise, number
from runner.engines.simd.hypercube_layers import (
    Hypercube,
    HypercubeLayer,
    hypercube_layer,
    hypercube_of,
)
from runner.engines.simd.type_aliases import Node, Variable

PATTERNS = 16
"""Patterns of a strip."""


@dataclass(frozen=True)
class FaceSums:
    """Sums of one matrix over all patterns, and over those that have an input's second level."""

    hypercube: Hypercube
    """The corners that the patterns are."""
    summed: Variable
    """In the strip's graph: the matrix, elementwise, shape (n_patterns, n_units)."""
    scale: Variable | None
    """In the graph: what all sums are multiplied by, shape (1, n_units)."""
    products: tuple[Variable, ...]
    """In the graph: the matrix's products with the patterns, shape (n_units, n_inputs)."""
    totals: tuple[Variable, ...]
    """In the graph: the matrix's sums over all patterns, shape (n_units,)."""


@dataclass(frozen=True)
class Strips:
    """A graph that is cut into strips."""

    n: int
    """How many strips there are."""
    size: int
    """Patterns of each, a power of two."""
    graph: FunctionGraph
    """What is computed of one strip; its inputs are those below, in order."""
    layers: dict[Variable, HypercubeLayer]
    """The layers at corners: the outputs, an input of the strip's graph, and what they are of."""
    shared: dict[Variable, Variable]
    """Variables of the graph that all strips need, and the inputs of the strip's that they are."""
    parted: dict[Variable, Variable]
    """Inputs of the graph of which each strip needs its own patterns, likewise."""
    reduced: dict[Variable, Variable]
    """Variables of the graph that are reductions over patterns, and a strip's reductions."""
    faces: list[FaceSums]
    """Reductions whose terms corners share."""


class _Unknown(Exception):
    """Something that cannot be cut."""


def strip_mined(graph: FunctionGraph) -> Strips | None:
    """Return a graph cut into strips; None without a layer at corners, or if one cannot be cut."""
    layers = [layer for node in graph.toposort() if (layer := hypercube_layer(graph, node))]
    if len({len(layer.hypercube.rows) for layer in layers}) != 1:
        return None
    try:
        return _StripMining(graph, layers).strips()
    except _Unknown:
        return None


class _StripMining:
    """What is known of a graph while it is cut."""

    def __init__(self, graph: FunctionGraph, layers: Sequence[HypercubeLayer]) -> None:
        self._n_patterns = len(layers[0].hypercube.rows)
        self._size = min(PATTERNS, self._n_patterns)
        self._outputs = {x: layer for layer in layers for x in layer.outputs}
        self._slopes = {x: layer for layer in layers for x in layer.slopes}
        self._axis: dict[Variable, int] = dict.fromkeys([*self._outputs, *self._slopes], 0)
        """The axis along which patterns follow each other, of variables that have one."""
        self._reductions: dict[Variable, None] = {}
        self._made: dict[Variable, Variable] = {}
        self._layers: dict[Variable, HypercubeLayer] = {}
        self._shared: dict[Variable, Variable] = {}
        self._parted: dict[Variable, Variable] = {}
        inside = {node for layer in layers for node in layer.inside}
        for node in graph.toposort():
            if node not in inside and node.outputs[0] not in self._axis:
                self._mark(node)
        if any(x in self._axis for x in graph.outputs):
            raise _Unknown
        self._given = [x for layer in layers for x in layer.given]

    def strips(self) -> Strips:
        """Make the strip's graph."""
        faces = self._faces()
        apart = {x for face in faces for x in (*face.products, *face.totals)}
        reduced = {x: self._converted(x) for x in self._reductions if x not in apart}
        scales = [face.scale for face in faces if face.scale is not None]
        before = ancestors([*self._shared, *self._parted, *self._given, *scales])
        if not self._reductions.keys().isdisjoint(before):
            raise _Unknown  # a second pass through the network, at a point that the first one gave
        inputs = [*self._layers, *self._shared.values(), *self._parted.values()]
        outputs = [*reduced.values(), *(face.summed for face in faces)]
        return Strips(
            self._n_patterns // self._size,
            self._size,
            FunctionGraph(inputs, outputs, clone=False),
            self._layers,
            self._shared,
            self._parted,
            reduced,
            faces,
        )

    def _mark(self, node: Node) -> None:
        """Find out along which axis of a node's output the patterns are, if they are there."""
        axes = [self._axis.get(x) for x in node.inputs]
        known = {axis for axis in axes if axis is not None}
        if not known:
            return
        if len(node.outputs) > 1:
            raise _Unknown
        (out,), op = node.outputs, node.op
        if isinstance(op, Dot):
            self._mark_product(node)
        elif len(known) > 1:
            raise _Unknown
        elif isinstance(op, Elemwise):
            self._axis[out] = min(known)
            for x in node.inputs:
                self._part(x, min(known))
        elif isinstance(op, DimShuffle):
            self._axis[out] = op.new_order.index(*known)
        elif isinstance(op, CAReduce):
            along = range(node.inputs[0].type.ndim) if op.axis is None else op.axis
            if min(known) in along:
                self._reductions[out] = None
            else:
                self._axis[out] = min(known) - sum(axis < min(known) for axis in along)
        else:
            raise _Unknown

    def _mark_product(self, node: Node) -> None:
        (left, right), (out,) = node.inputs, node.outputs
        axes = self._axis.get(left), self._axis.get(right)
        if axes == (0, None):
            self._axis[out] = 0
        elif axes == (None, 1):
            self._axis[out] = 1
        elif axes[0] == 1 and axes[1] in (0, None):
            if _hypercube(out) is None:
                self._part(right, 0)
            self._reductions[out] = None
        else:
            raise _Unknown

    def _part(self, variable: Variable, axis: int) -> None:
        """Let each strip have its own patterns of a variable, unless all have the same numbers."""
        if variable in self._axis or variable.type.shape[axis] == 1:
            return
        node = variable.owner
        if node is None and not isinstance(variable, Constant) and axis == 0:
            pass
        elif node is not None and isinstance(node.op, DimShuffle):
            self._part(node.inputs[0], int(node.op.new_order[axis]))
        elif node is not None and isinstance(node.op, Elemwise):
            for x in node.inputs:
                self._part(x, axis)
        else:
            raise _Unknown
        self._axis[variable] = axis

    def _faces(self) -> list[FaceSums]:
        """The products with a hypercube's patterns, by what is multiplied, and sums of the same."""
        products: dict[Variable, list[Variable]] = {}
        for x in self._reductions:
            if _hypercube(x) is not None:
                transposed = x.owner.inputs[0].owner
                if transposed is None or not isinstance(transposed.op, DimShuffle):
                    raise _Unknown
                products.setdefault(transposed.inputs[0], []).append(x)
        faces = []
        for summed, found in products.items():
            totals = [x for x in self._reductions if _is_total(x, summed)]
            converted, scale = self._unscaled(summed)
            if converted.owner is None or not isinstance(converted.owner.op, Elemwise):
                raise _Unknown
            hypercube = _hypercube(found[0])
            if hypercube is not None:
                faces.append(FaceSums(hypercube, converted, scale, tuple(found), tuple(totals)))
        return faces

    def _unscaled(self, summed: Variable) -> tuple[Variable, Variable | None]:
        """A strip's part of a matrix without one factor of each column, and those factors.

        In front of a single unit, derivatives have its weights as such factors.
        """
        factors = summed.owner.inputs if is_elementwise(summed.owner, scalar.Mul) else []
        for x in factors:
            if x.owner is not None and isinstance(x.owner.op, Dot) and self._axis.get(x) == 0:
                column, row = x.owner.inputs
                if row.type.shape[0] == 1 and row not in self._axis:
                    return self._product([*(y for y in factors if y is not x), column]), row
        return self._converted(summed), None

    def _converted(self, variable: Variable) -> Variable:
        """What a variable of the graph is in the strip's."""
        if variable not in self._made:
            self._made[variable] = self._conversion(variable)
        return self._made[variable]

    def _conversion(self, variable: Variable) -> Variable:
        node = variable.owner
        if variable in self._outputs:
            return self._output(self._outputs[variable])
        if variable in self._slopes or is_elementwise(node, scalar.Mul):
            return self._product([variable] if variable in self._slopes else node.inputs)
        if variable not in self._axis and variable not in self._reductions:
            if isinstance(variable, Constant):
                return variable
            if node is None or not isinstance(node.op, DimShuffle):
                return self._shared.setdefault(variable, variable.type())
        if node is None:
            shape = (self._size, *variable.type.shape[1:])
            return self._parted.setdefault(variable, TensorType(variable.type.dtype, shape)())
        inputs = [self._converted(x) for x in node.inputs]
        if isinstance(node.op, Dot) and inputs[0].type.shape[1] == 1:
            return multiply(*inputs)  # elementwise, so that it need not lie in memory
        return node.op.make_node(*inputs).outputs[0]

    def _product(self, factors: Sequence[Variable]) -> Variable:
        """An elementwise product. Constants come together: that of a slope mostly cancels one."""
        constant, others = 1.0, []
        for x in factors:
            if x in self._slopes:
                output = self._output(self._slopes[x])
                others += [output, subtract(_constant(1, output), output)]
                constant *= 4
            elif (value := number(x)) is not None:
                constant *= value
            else:
                others.append(self._converted(x))
        if constant != 1:
            others.insert(0, _constant(constant, others[0]))
        return multiply(*others) if len(others) > 1 else others[0]

    def _output(self, layer: HypercubeLayer) -> Variable:
        """A strip's outputs of a layer, which are an input of the strip's graph."""
        if layer.tanh not in self._made:
            kind = TensorType(layer.tanh.type.dtype, (self._size, layer.tanh.type.shape[1]))
            self._made[layer.tanh] = kind()
            self._layers[self._made[layer.tanh]] = layer
        return self._made[layer.tanh]


def _constant(value: float, like: Variable) -> Variable:
    return as_tensor(np.full((1,) * like.type.ndim, value, like.type.dtype))


def _is_total(variable: Variable, summed: Variable) -> bool:
    """Whether a variable is the sums of a matrix over its first axis."""
    node = variable.owner
    is_sum = isinstance(node.op, CAReduce) and isinstance(node.op.scalar_op, scalar.Add)
    return is_sum and node.op.axis == (0,) and node.inputs[0] is summed


def _hypercube(product: Variable) -> Hypercube | None:
    """The hypercube by whose corners a product multiplies from the right."""
    if not isinstance(product.owner.op, Dot):
        return None
    patterns = product.owner.inputs[1]
    return hypercube_of(patterns.data) if isinstance(patterns, Constant) else None
