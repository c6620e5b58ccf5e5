"""A graph of matrices, written as one nest of loops after the other.

The matrices are those of one restart, and each of their numbers is a vector over lanes. What is
used once is computed where it is used (`runner.engines.simd.fusion` finds it); the rest lies in
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.basic import Alloc

from runner.engines.simd import elementwise_loops, matrix_operations
from runner.engines.simd.buffers import Buffers
from runner.engines.simd.fusion import source
from runner.engines.simd.memory import Index, Matrix, strides
from runner.engines.simd.type_aliases import Node, Pointer, Value, Variable
from runner.engines.simd.vectors import I64, Vectors


class LoopNests:
    """Writes a graph's operations, each as a nest of loops.

    Parameters
    ----------
    graph : FunctionGraph
        Its variables have static shapes.
    vectors : Vectors
        Where they stand, the operations are written.
    inputs : sequence of Matrix
        Where each input of the graph lies.
    reserve : callable
        Gives a pointer to so many bytes that are not used otherwise.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        vectors: Vectors,
        inputs: Sequence[Matrix],
        reserve: Callable[[int], Pointer],
    ) -> None:
        self._v = vectors
        self.buffers = Buffers(graph, vectors, inputs, reserve)
        """Where the variables lie."""
        self._left = graph.toposort()

    def write(self, variables: Sequence[Variable]) -> None:
        """Write what some variables need and is not there yet."""
        for node in self._needed(variables):
            self._write(node)

    def replace(self, variables: Sequence[Variable], inputs: Sequence[Variable]) -> None:
        """Write variables, and put each where an input lies that is needed for nothing else.

        What may be written last goes over the old value at once, number by number, unless that
        is still to be read: by itself at another place, or by one that comes later. All others
        are written elsewhere and copied when everything has been read.
        """
        buffers, fusion = self.buffers, self.buffers.fusion
        places: dict[Variable, list[Variable]] = {}
        for variable, old in zip(variables, inputs, strict=True):
            if variable is not old:
                places.setdefault(variable, []).append(old)
        nodes = self._needed(variables)
        last = fusion.waiting(nodes, places)
        for node in nodes:
            if node not in last:
                self._write(node)
        aside = {x: buffers.new(x) for x in places if source(x) in inputs}
        for variable, copied in aside.items():  # before it is overwritten
            buffers.memory.copy(buffers.at(variable), copied)
        while last:
            node = last.pop(0)
            (out,) = node.outputs
            old, later = places[out][0], (n.outputs[0] for n in last)
            if fusion.spoils(out, old) or any(old in fusion.reads(x) for x in later):
                self._write(node)
            else:
                buffers.put(out, elementwise_loops.write(buffers, out, buffers.at(old)))
                places[out].pop(0)
        for variable, olds in places.items():
            for old in olds:
                there = aside[variable] if variable in aside else buffers.at(variable)
                buffers.memory.copy(there, buffers.at(old))

    def put(self, variable: Variable, place: Matrix) -> None:
        """Note where a variable lies that is written elsewhere."""
        self.buffers.put(variable, place)
        self.buffers.fusion.parts.discard(variable)
        self._left = [node for node in self._left if variable not in node.outputs]

    def reader(self, variable: Variable) -> Callable[[Index], Value]:
        """Return what computes an elementwise variable's number at an index; it needs no memory."""
        buffers = self.buffers
        leaves = buffers.fusion.leaves(variable)
        buffers.fusion.parts.difference_update(leaves)
        self.write(leaves)
        number = elementwise_loops.expression(buffers, variable)
        return lambda index: number(index, None)

    def number(self, variable: Variable) -> Value:
        """The vector of a variable without axes."""
        value = self.buffers.memory.load(self.buffers.at(variable), [])
        if self._v.thread_block:  # nobody may overwrite it before all have read it
            self._v.thread_block.wait(self._v.builder)
        return value

    def each(self, variable: Variable, take: Callable[[Value, Value], None]) -> None:
        """Write a loop over the vectors of a variable, in C order.

        ``take`` is given the number of each, a value of the program, and the vector.
        """
        there, memory = self.buffers.at(variable), self.buffers.memory

        def one(index: Index) -> None:
            b, number = self._v.builder, I64(0)
            for position, stride in zip(index, strides(there.shape), strict=True):
                number = b.add(number, b.mul(position, I64(stride)))
            take(number, memory.load(there, index))

        memory.nest(there.shape, one)

    def _needed(self, variables: Sequence[Variable]) -> list[Node]:
        """Return the nodes that some variables need and that are not written yet, in order."""
        needed, left = set(), list(variables)
        while left:
            variable = left.pop()
            node = variable.owner
            if node is not None and node not in needed and not self.buffers.has(variable):
                needed.add(node)
                # what a shape is made of is known
                left += node.inputs[:1] if isinstance(node.op, Alloc) else node.inputs
        now = [node for node in self._left if node in needed]
        self._left = [node for node in self._left if node not in needed]
        return now

    def _write(self, node: Node) -> None:
        """Write an operation, or leave it to what it is a part of."""
        place = matrix_operations.write(node.op, self.buffers, node)
        if place is not None:
            self.buffers.put(node.outputs[0], place)
