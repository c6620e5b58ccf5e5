"""Bodies of the loop over blocks of lanes: one computes in registers, one in memory.

The variables of an elementwise graph are vectors over lanes: one row each, whose block of lanes is
one vector that stays in a register. Those of a nested graph are matrices of one restart: a row for
each number, and their blocks of lanes lie in memory.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.math import Dot

from runner.engines.simd import registers
from runner.engines.simd.artifact import Kind
from runner.engines.simd.elementwise import ElementwiseWriter
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.function_frame import Frame, Run
from runner.engines.simd.fusion import source
from runner.engines.simd.loop_nests import LoopNests
from runner.engines.simd.memory import Matrix, matrix, static_shape
from runner.engines.simd.registers import AVX, AVX512, Registers
from runner.engines.simd.strip_loop import write_strips
from runner.engines.simd.strip_mining import strip_mined
from runner.engines.simd.type_aliases import Builder, Value, Variable
from runner.engines.simd.vectors import I64

NEAR_BYTES = 3 * 2**19
"""Bytes of a program's inputs that stay in a core's own cache, where registers are AVX-512's."""

FEW_USES = 32
"""Products that a number takes part in, of those that are multiplied by: in training three for each
pattern."""


class StepAttempt(ABC):
    """A step whose other outputs are written, and which may be taken."""

    others: list[Value]
    """The outputs that are not carried."""
    carried: list[Value]
    """The inputs that are carried, as they are before the step; empty if they lie in memory."""

    @abstractmethod
    def take(self) -> list[Value]:
        """Write the carried outputs, as the inputs of the next step; return them, as ``carried``.

        It ends in the block from which the loop over steps goes back to the attempt.
        """

    @abstractmethod
    def put_back(self, carried: list[Value]) -> None:
        """Write carried values to the block of lanes in memory."""


class LoopBody(ABC):
    """What a program does with a block of lanes.

    Parameters
    ----------
    frame : Frame
        Of the program that is being written.

    Notes
    -----
    For who adds one: a new body must give every lane the bits that it would have alone, so that it
    does not matter which restart is in which lane.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    @classmethod
    def opened(cls, graph: FunctionGraph, kind: Kind, fit: Registers | None = None) -> Frame:
        """Begin a program of a graph: for some registers, by default this machine's."""
        fit = fit or registers.here()
        return Frame(graph, kind, cls.n_rows, cls.block_bytes(graph, fit), fit)

    @classmethod
    @abstractmethod
    def block_bytes(cls, graph: FunctionGraph, fit: Registers) -> int:
        """Bytes of one variable of the widest dtype in a block of lanes."""

    @staticmethod
    @abstractmethod
    def n_rows(variable: Variable) -> int:
        """How many rows of the caller's arrays a variable has."""

    @abstractmethod
    def compute(self, first: Value, n_outputs: int | None, n_float32: int = 0) -> None:
        """Write what computes the first outputs of the lanes from ``first`` on, from inputs there.

        All is written as it would be for all outputs, but what those that are left out need. Of
        the inputs the first ``n_float32`` are float32 there.
        """

    @abstractmethod
    def attempt(self, n_carried: int, before: Builder) -> StepAttempt:
        """Write a step's outputs that are not carried.

        Parameters
        ----------
        n_carried : int
            The first so many inputs and outputs are carried.
        before : IRBuilder
            Writes what is done once, before the first of many steps.
        """


class RegisterBody(LoopBody):
    """Vectors over lanes."""

    @classmethod
    def block_bytes(cls, graph: FunctionGraph, fit: Registers) -> int:
        return fit.pair_bytes

    @staticmethod
    def n_rows(variable: Variable) -> int:
        return 1

    def compute(self, first: Value, n_outputs: int | None, n_float32: int = 0) -> None:
        frame, v = self.frame, self.frame.vectors
        loaded = {}
        for i, x in enumerate(frame.graph.inputs):
            dtype = "float32" if i < n_float32 else x.type.dtype
            value = v.load(v.address(frame.sources, i, first, dtype), dtype)
            loaded[x] = v.widened(value, x.type.dtype)
        outputs = frame.graph.outputs[:n_outputs]
        values = ElementwiseWriter(Analysis(frame.graph), v, loaded).write(outputs)
        for i, (variable, value) in enumerate(zip(outputs, values, strict=True)):
            dtype = variable.type.dtype
            v.store(value, v.address(frame.targets, i, first, dtype), dtype)

    def attempt(self, n_carried: int, before: Builder) -> StepAttempt:
        return _RegisterAttempt(self.frame, n_carried, before)


class _RegisterAttempt(StepAttempt):
    """The carried inputs are phis, by which a value comes round from step to step."""

    def __init__(self, frame: Frame, n_carried: int, before: Builder) -> None:
        self._frame, self._n_carried = frame, n_carried
        v, graph, entered = frame.vectors, frame.graph, before.block
        with v.at(before):
            loaded = [
                v.load(frame.lanes_of(run, I64(row)), run.dtype)
                for run in frame.runs
                for row in range(run.rows)
            ]
        self.carried = [v.builder.phi(value.type) for value in loaded[:n_carried]]
        for phi, value in zip(self.carried, loaded, strict=False):
            phi.add_incoming(value, entered)
        values = dict(zip(graph.inputs, [*self.carried, *loaded[n_carried:]], strict=True))
        analysis = Analysis(graph, fixed=graph.inputs[n_carried:])
        self._writer = ElementwiseWriter(analysis, v, values, before)
        self.others = self._writer.write(graph.outputs[n_carried:])

    def take(self) -> list[Value]:
        moved = self._writer.write(self._frame.graph.outputs[: self._n_carried])
        for phi, value in zip(self.carried, moved, strict=True):
            phi.add_incoming(value, self._frame.vectors.builder.block)
        return moved

    def put_back(self, carried: list[Value]) -> None:
        frame = self._frame
        places = [(run, row) for run in frame.runs for row in range(run.rows)]
        for (run, row), value in zip(places, carried, strict=False):
            frame.vectors.store(value, frame.lanes_of(run, I64(row)), run.dtype)


class MemoryBody(LoopBody):
    """Matrices of one restart."""

    @classmethod
    def block_bytes(cls, graph: FunctionGraph, fit: Registers) -> int:
        """Bytes of one register, as a tile of a product needs many.

        At most AVX's, where inputs would not stay in a core's own cache otherwise, and few patterns
        use their matrices while they are near.
        """
        products = [node.inputs for node in graph.toposort() if isinstance(node.op, Dot)]
        n_terms = sum(math.prod(static_shape(a)) * static_shape(b)[-1] for a, b in products)
        factors = {source(x) for operands in products for x in operands} & {*graph.inputs}
        is_far = sum(map(cls.n_rows, graph.inputs)) * AVX512.n_bytes > NEAR_BYTES
        is_little_used = n_terms < FEW_USES * sum(map(cls.n_rows, factors))
        return min(fit.n_bytes, AVX.n_bytes) if is_far and is_little_used else fit.n_bytes

    @staticmethod
    def n_rows(variable: Variable) -> int:
        return math.prod(static_shape(variable))

    def compute(self, first: Value, n_outputs: int | None, n_float32: int = 0) -> None:
        frame, v = self.frame, self.frame.vectors
        rows = sum(map(self.n_rows, frame.graph.inputs[:n_float32]))
        for run in frame.runs:
            self.fetch(run, first, max(0, min(run.rows, rows - run.first)))
        nests = LoopNests(frame.graph, v, _inputs(frame), frame.reserve)
        outputs = frame.graph.outputs[:n_outputs]
        nests.write(outputs)
        for variable, begin in zip(outputs, frame.first_rows(outputs), strict=True):
            self._give(nests, variable, begin, first)

    def fetch(self, run: Run, first: Value, n_float32: int = 0) -> None:
        """Copy lanes of a run from the caller's arrays, where some rows may be float32."""
        frame, v = self.frame, self.frame.vectors

        def fetch(row: Value, dtype: str) -> None:
            begin = v.builder.add(I64(run.first), row)
            value = v.load(frame.lanes_in(frame.sources, begin, first, dtype), dtype)
            v.store(v.widened(value, run.dtype), frame.lanes_of(run, row), run.dtype)

        if n_float32:
            v.repeat(n_float32, lambda row: fetch(row, "float32"))
        if n_float32 < run.rows:
            left = run.rows - n_float32
            v.repeat(left, lambda row: fetch(v.builder.add(row, I64(n_float32)), run.dtype))

    def _give(self, nests: LoopNests, variable: Variable, begin: int, first: Value) -> None:
        """Copy an output, whose first row is ``begin``, into the caller's arrays."""
        frame, v, dtype = self.frame, self.frame.vectors, variable.type.dtype

        def give(row: Value, value: Value) -> None:
            at = v.builder.add(I64(begin), row)
            v.store(value, frame.lanes_in(frame.targets, at, first, dtype), dtype)

        nests.each(variable, give)

    def attempt(self, n_carried: int, before: Builder) -> StepAttempt:
        return _MemoryAttempt(self.frame, n_carried)


class _MemoryAttempt(StepAttempt):
    """New matrices take the place of old ones; nothing is carried in registers."""

    def __init__(self, frame: Frame, n_carried: int) -> None:
        graph = self._graph = frame.graph
        self._n_carried, self.carried = n_carried, []
        self._nests = LoopNests(graph, frame.vectors, _inputs(frame), frame.reserve)
        strips = strip_mined(graph)
        if strips is not None:
            write_strips(self._nests, strips, frame.vectors, frame.reserve)
        others = graph.outputs[n_carried:]
        self._nests.write(others)
        self.others = [self._nests.number(x) for x in others]

    def take(self) -> list[Value]:
        n = self._n_carried
        self._nests.replace(self._graph.outputs[:n], self._graph.inputs[:n])
        return []

    def put_back(self, carried: list[Value]) -> None:
        """Nothing: it is there."""


def _inputs(frame: Frame) -> list[Matrix]:
    """The blocks of lanes of a nested graph's inputs, in C order."""
    places = zip(frame.graph.inputs, frame.places(), strict=True)
    return [matrix(place, static_shape(x), x.type.dtype) for x, place in places]
