"""From PyTensor's elementwise graphs to SIMD code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pytensor.compile.mode import optdb
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.db import RewriteDatabaseQuery

from runner.engines.loops import once, scratch_bytes, until_done, width
from runner.engines.simd import Function, Loop, assembled

# Not to multiply sums out: from layer to layer there would be more products.
_REWRITES = RewriteDatabaseQuery(
    include=("merge", "canonicalize"), exclude=("local_greedy_distributor",)
)


def function(inputs: Sequence[Any], outputs: Sequence[Sequence[Any]]) -> Function:
    """Compile an elementwise graph.

    Parameters
    ----------
    inputs : sequence of tensor variables
        Vectors over lanes.
    outputs : sequence of sequences of tensor variables
        Vectors over lanes, elementwise functions of the inputs; those of a group have one dtype.

    Raises
    ------
    UnknownOperation
        If the graph holds anything but elementwise operations that are known here.
    """
    graph = rewritten(inputs, [variable for group in outputs for variable in group])
    groups = [[len(group), str(group[0].type.dtype)] for group in outputs]
    return Function(assembled(once(graph)), _kinds(inputs), groups, width(graph))


def loop(
    carried: Sequence[Any],
    fixed: Sequence[Any],
    moved: Sequence[Any],
    halts: Any,
    others: Sequence[Any],
) -> Loop:
    """Compile an elementwise graph, a step, that is to be repeated in every column.

    Parameters
    ----------
    carried, fixed : sequence of tensor variables
        The step's inputs, vectors over lanes: what it moves, and what it only reads.
    moved : sequence of tensor variables
        What takes the place of the carried inputs in the next step.
    halts : tensor variable
        Bool: where the step is not taken, so that the column has halted.
    others : sequence of tensor variables
        What else is told of a column's last step, taken or not.

    Raises
    ------
    UnknownOperation
        If the graph holds anything but elementwise operations that are known here.
    """
    graph = rewritten([*carried, *fixed], [*moved, halts, *others])
    code = assembled(until_done(graph, len(carried)))
    kinds = _kinds([*carried, *fixed]), _kinds(others)
    return Loop(code, *kinds, len(carried), scratch_bytes(graph))


def _kinds(variables: Sequence[Any]) -> list[list[Any]]:
    """How many variables of one dtype follow each other, and the dtype."""
    dtypes = groupby(str(variable.type.dtype) for variable in variables)
    return [[len(list(same)), dtype] for dtype, same in dtypes]


def rewritten(inputs: Sequence[Any], outputs: Sequence[Any]) -> FunctionGraph:
    """A graph in which equal terms are one, and constants are gathered."""
    graph = FunctionGraph(list(inputs), list(outputs), clone=True)
    optdb.query(_REWRITES).rewrite(graph)
    return graph
