"""Rules between the fields that say what is learnt: a gate or a table, its levels and rows."""

from __future__ import annotations

from collections.abc import Iterator

from runner.errors.messages import shown
from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.conflicts.losses import PROBABILITIES, SET_SQUARED, needs_probabilities
from runner.experiment.fields.sections import Loss, Network, Problem
from runner.experiment.truth_tables.gates import GATES_IN_WORDS

__all__ = ["table_conflicts"]


def table_conflicts(problem: Problem, network: Network, loss: Loss) -> Iterator[Conflict]:
    """Yield the rules that are broken, without a look into the table."""
    if problem.gate is None and problem.table is None:
        text = (
            "problem.gate and problem.table are missing; expected exactly one: a file's "
            f"path as table, or as gate {GATES_IN_WORDS}."
        )
        yield Conflict(text, frozenset(("problem.gate", "problem.table")))
    elif problem.table is not None:
        if problem.gate is not None:
            rule = f"no gate, because problem.table is {shown(problem.table)}"
            yield conflict("problem.gate", problem.gate, rule, "problem.table")
        for field in sorted({"inputs", "targets"} & problem.model_fields_set):
            rule = (
                "no levels with problem.table, whose values are used as they are. Leave "
                f"problem.{field} out of the file"
            )
            yield conflict(f"problem.{field}", getattr(problem, field), rule, "problem.table")
    else:
        yield from _level_conflicts(problem, network, loss)
    if problem.table is None:
        for field in ("target_columns", "ignored_columns", "held_out"):
            if value := getattr(problem, field):
                rule = "nothing without problem.table"
                yield conflict(f"problem.{field}", value, rule, "problem.table", "problem.gate")
    if problem.held_out is not None and problem.held_out_rows is not None:
        rule = "nothing with problem.held_out"
        yield conflict("problem.held_out_rows", problem.held_out_rows, rule, "problem.held_out")


def _level_conflicts(problem: Problem, network: Network, loss: Loss) -> Iterator[Conflict]:
    """Yield the broken rules of a gate's two targets."""
    field, targets, others = "problem.targets", problem.targets, ("problem.table", "network.output")
    if network.output == "softmax" and set(targets) != {0.0, 1.0}:
        yield conflict(field, targets, "0 and 1 with network.output 'softmax'", *others)
    elif needs_probabilities(network, loss) and not 0 <= min(targets) < max(targets) <= 1:
        step = f"{SET_SQUARED}."
        yield conflict(field, targets, PROBABILITIES, *others, "loss.kind", step=step)
