"""From PyTensor's graphs to SIMD code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from pytensor.compile.mode import optdb
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.db import RewriteDatabaseQuery

from runner.engines.simd.line import UnknownOperation
from runner.engines.simd.loops import once, until_done
from runner.engines.simd.machine_code import Function, Loop, assembled

# Not to multiply sums out: from layer to layer there would be more products.
_REWRITES = RewriteDatabaseQuery(
    include=("merge", "canonicalize"), exclude=("local_greedy_distributor",)
)


def function(
    inputs: Sequence[Any], outputs: Sequence[Sequence[Any]], *, nested: bool = False
) -> Function:
    """Compile a graph.

    Parameters
    ----------
    inputs : sequence of tensor variables
        Vectors over lanes; or, ``nested``, matrices of one restart.
    outputs : sequence of sequences of tensor variables
        Functions of the inputs, elementwise if they are vectors; those of a group have one dtype.
    nested : bool
        See `runner.engines.simd.loops.once`.

    Raises
    ------
    UnknownOperation
        If the graph holds an operation that is not known here.
    """
    graph = rewritten(inputs, [variable for group in outputs for variable in group])
    program = once(graph, nested)
    rows = program.n_rows
    groups = [[sum(map(rows, group)), str(group[0].type.dtype)] for group in outputs]
    kinds = _kinds(inputs, rows)
    return Function(assembled(program.text), kinds, groups, program.width, program.scratch_bytes)


def loop(
    carried: Sequence[Any],
    fixed: Sequence[Any],
    moved: Sequence[Any],
    halts: Any,
    others: Sequence[Any],
    *,
    nested: bool = False,
) -> Loop:
    """Compile a graph, a step, that is to be repeated in every column.

    Parameters
    ----------
    carried, fixed : sequence of tensor variables
        The step's inputs, as in `function`: what it moves, and what it only reads.
    moved : sequence of tensor variables
        What takes the place of the carried inputs in the next step.
    halts : tensor variable
        Bool: where the step is not taken, so that the column has halted.
    others : sequence of tensor variables
        What else is told of a column's last step, taken or not; a number per column each.
    nested : bool
        See `runner.engines.simd.loops.until_done`.

    Raises
    ------
    UnknownOperation
        If the graph holds an operation that is not known here.
    """
    for old, new in zip(carried, moved, strict=True):
        kinds = {(x.type.dtype, *(x.type.shape if nested else ())) for x in (old, new)}
        if len(kinds) > 1:
            raise UnknownOperation(f"{new.type} in place of {old.type}")
    graph = rewritten([*carried, *fixed], [*moved, halts, *others])
    program = until_done(graph, len(carried), nested)
    rows = program.n_rows
    return Loop(
        assembled(program.text),
        _kinds([*carried, *fixed], rows),
        _kinds(others, rows),
        sum(map(rows, carried)),
        program.scratch_bytes,
    )


def _kinds(variables: Sequence[Any], n_rows: Callable[[Any], int]) -> list[list[Any]]:
    """How many rows of one dtype follow each other, and the dtype."""
    dtypes = groupby(variables, lambda variable: str(variable.type.dtype))
    return [[sum(map(n_rows, same)), dtype] for dtype, same in dtypes]


def rewritten(inputs: Sequence[Any], outputs: Sequence[Any]) -> FunctionGraph:
    """A graph in which equal terms are one, and constants are gathered."""
    graph = FunctionGraph(list(inputs), list(outputs), clone=True)
    optdb.query(_REWRITES).rewrite(graph)
    return graph
