"""From PyTensor's graphs to programs, and on to machine code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pytensor.compile.mode import optdb
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from pytensor.tensor.math import Dot, mul
from pytensor.tensor.type import TensorType

from runner.engines.base import LANCZOS_STEPS
from runner.engines.library_output import diverted_output
from runner.engines.simd import registers
from runner.engines.simd.artifact import FOR_GPU, Interface, Kind, Program, RowRuns
from runner.engines.simd.bounded_curvature import bounds
from runner.engines.simd.control_flow import ProgramText, once, until_done
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.lanczos import lanczos
from runner.engines.simd.machine_code import Function, Loop, assemble
from runner.engines.simd.registers import AVX, Registers
from runner.engines.simd.type_aliases import Variable

_REWRITES = RewriteDatabaseQuery(
    include=("merge", "canonicalize", "runner"),
    exclude=(
        # would multiply sums out: from layer to layer there would be more products
        "local_greedy_distributor",
        # would put indexing in the place of a product with one-hot rows, such as an encoder's:
        # there is no vector code for that, and the rows are few
        "selection_dot_to_indexing",
        # would make multiplications of a product of a column with a row, but not in all versions of
        # PyTensor; `_of_one` does what all do
        "local_dot_to_mul",
    ),
)


@node_rewriter([Dot])  # type: ignore[untyped-decorator]
def _of_one(graph: FunctionGraph, node: Apply[Any]) -> list[Variable] | None:
    """Write a product with a matrix of one number as a multiplication."""
    one, other = node.inputs
    if (1, 1) not in (one.type.shape, other.type.shape):
        return None
    return [mul(one, other)]


# By its tag, this is for who asks for it alone: PyTensor's own modes do not.
optdb["canonicalize"].register("runner_of_one", _of_one, "runner")


def lower_function(
    inputs: Sequence[Variable], outputs: Sequence[Sequence[Variable]], *, nested: bool = False
) -> Program:
    """Write the program of a graph.

    Parameters
    ----------
    inputs : sequence of tensor variables
        Vectors over lanes; or, ``nested``, matrices of one restart.
    outputs : sequence of sequences of tensor variables
        Functions of the inputs, elementwise if they are vectors; those of a group have one dtype.
    nested : bool
        See `runner.engines.simd.control_flow.once`.

    Raises
    ------
    UnknownOperation
        If the graph holds an operation that is not known here.
    """
    return GroupedGraph.of(inputs, outputs, nested=nested).program()


@dataclass(frozen=True)
class GroupedGraph:
    """A graph that is `rewritten`, from which several programs are written; it stays as it is."""

    graph: FunctionGraph
    inputs: Sequence[Variable]
    outputs: Sequence[Sequence[Variable]]
    """In groups, as of `lower_function`."""
    nested: bool

    @classmethod
    def of(
        cls,
        inputs: Sequence[Variable],
        outputs: Sequence[Sequence[Variable]],
        *,
        nested: bool = False,
    ) -> GroupedGraph:
        """Rewrite a graph; see `lower_function`."""
        graph = rewritten(inputs, [variable for group in outputs for variable in group])
        return cls(graph, inputs, outputs, nested)

    def program(self, count: int | None = None, n_float32: int = 0) -> Program:
        """Write the program of its first groups of outputs, so many, or of all.

        What is computed in two of them is the same to the bit, as each is written as in the whole
        graph and all that its outputs do not need is left out. The first ``n_float32`` inputs, of
        float64, are given in float32, which changes no bit either. Only that of all groups has a
        name that is the same for all registers. Otherwise as `lower_function`.
        """
        chosen = self.outputs[:count]
        n_outputs = sum(map(len, chosen))
        written, portable = _written(
            lambda fit: once(self.graph, self.nested, n_outputs, n_float32, fit),
            named=count is None,
        )
        rows = written.n_rows
        groups = tuple((sum(map(rows, group)), str(group[0].type.dtype)) for group in chosen)
        given = _row_runs(self.inputs[n_float32:], rows)
        if n_float32:
            given = ((sum(map(rows, self.inputs[:n_float32])), "float32"), *given)
        interface = Interface("function", given, groups, written.width, written.scratch_bytes)
        return Program(written.text, interface, portable)

    def bounds(self, moving: Sequence[int]) -> Program:
        """Write the program that bounds the curvature of parameters that can move.

        The inputs are vectors of float64, parameters first; the second group is the gradient.
        """
        more = [self.inputs[0].type() for _ in range(2)]
        whole = FunctionGraph([*self.graph.inputs, *more], self.graph.outputs, clone=True)
        written = bounds(whole, len(self.outputs[1]), moving, len(self.outputs[0]))
        rows = _row_runs([*self.inputs, *more], written.n_rows)
        told = ((2, "bool"),)
        interface = Interface("function", rows, told, written.width, written.scratch_bytes)
        return Program(written.text, interface)

    def lanczos(self, n_parameters: int, moving: Sequence[int]) -> Program:
        """Write the program of Lanczos' method for parameters that can move.

        Of a graph in float64, whose first ``n_parameters`` inputs are the parameters and whose
        second group is the gradient.
        """
        m, number = len(moving), TensorType("float64", shape=() if self.nested else (8,))
        begin = [TensorType("float64", shape=(m,))] if self.nested else [number] * m
        more = [kind() for kind in (*begin, number)]
        whole = FunctionGraph([*self.graph.inputs, *more], self.graph.outputs, clone=True)
        first = len(self.outputs[0])
        slopes = whole.outputs[first : first + len(self.outputs[1])]
        written = lanczos(whole, self.nested, n_parameters, moving, slopes)
        rows = _row_runs([*self.inputs, *more], written.n_rows)
        steps = min(LANCZOS_STEPS, m)
        found = ((steps * (steps + 1) // 2 + 1, "float64"),)
        interface = Interface("function", rows, found, written.width, written.scratch_bytes)
        return Program(written.text, interface)


def lower_loops(
    carried: Sequence[Variable],
    fixed: Sequence[Variable],
    moved: Sequence[Variable],
    halts: Variable,
    others: Sequence[Variable],
    *,
    nested: bool = False,
    kinds: Sequence[Kind],
) -> list[Program]:
    """Write programs of a graph, a step, that is to be repeated in every column: one of each kind.

    Parameters
    ----------
    carried, fixed : sequence of tensor variables
        The step's inputs, as in `function`: what it moves, and what it only reads.
    moved : sequence of tensor variables
        What takes the place of the carried inputs in the next step.
    halts : tensor variable
        Bool: where the step is not taken, so that the column has halted.
    others : sequence of tensor variables
        What else a column's last step gives, taken or not; a number per column each.
    nested : bool
        See `runner.engines.simd.control_flow.until_done`.
    kinds : sequence of str
        See there, too.

    Raises
    ------
    UnknownOperation
        If the graph holds an operation that is not known here.
    """
    for old, new in zip(carried, moved, strict=True):
        types = {(x.type.dtype, *(x.type.shape if nested else ())) for x in (old, new)}
        if len(types) > 1:
            raise UnknownOperation(f"{new.type} in place of {old.type}")
    graph = rewritten([*carried, *fixed], [*moved, halts, *others])
    programs = []
    for kind in kinds:

        def write(fit: Registers, kind: Kind = kind) -> ProgramText:
            return until_done(graph, len(carried), nested, kind=kind, fit=fit)

        # a GPU's program is no other on another CPU
        own = AVX if kind in FOR_GPU else None
        written, portable = _written(write, fit=own, named=kind != "recording")
        rows = written.n_rows
        interface = Interface(
            kind,
            _row_runs([*carried, *fixed], rows),
            _row_runs(others, rows),
            written.width,
            written.scratch_bytes,
            sum(map(rows, carried)),
            written.widest,
        )
        programs.append(Program(written.text, interface, portable))
    return programs


def function(
    inputs: Sequence[Variable], outputs: Sequence[Sequence[Variable]], *, nested: bool = False
) -> Function:
    """Compile and load a graph; see `lower_function`."""
    return Function(assemble(lower_function(inputs, outputs, nested=nested)))


def loop(
    carried: Sequence[Variable],
    fixed: Sequence[Variable],
    moved: Sequence[Variable],
    halts: Variable,
    others: Sequence[Variable],
    *,
    nested: bool = False,
    kind: Kind = "loop",
) -> Loop:
    """Compile and load a step that is repeated; see `lower_loops`."""
    (program,) = lower_loops(carried, fixed, moved, halts, others, nested=nested, kinds=[kind])
    return Loop(assemble(program))


def _written(
    write: Callable[[Registers], ProgramText],
    *,
    fit: Registers | None = None,
    named: bool = True,
) -> tuple[ProgramText, str]:
    """Write a program for some registers, by default this machine's; and its portable text.

    That is left empty where it is the same, as in `Program`, and of one that is not to be named.
    """
    fit = fit or registers.here()
    return write(fit), write(AVX).text if named and fit != AVX else ""


def _row_runs(variables: Sequence[Variable], n_rows: Callable[[Variable], int]) -> RowRuns:
    """The rows of some variables as runs of one dtype."""
    dtypes = groupby(variables, lambda variable: str(variable.type.dtype))
    return tuple((sum(map(n_rows, same)), dtype) for dtype, same in dtypes)


def rewritten(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> FunctionGraph:
    """A graph in which equal terms are one, and constants are gathered."""
    graph = FunctionGraph(list(inputs), list(outputs), clone=True)
    with diverted_output("pytensor"):
        optdb.query(_REWRITES).rewrite(graph)
    return graph
