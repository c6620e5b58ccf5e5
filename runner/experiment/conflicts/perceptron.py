"""Rules of the perceptron, whose updates are of one unit and pattern by pattern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from runner.errors.messages import counted
from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.fields.sections import Loss, Network, Problem, Training
from runner.experiment.truth_tables.gates import GATES
from runner.experiment.truth_tables.truth_table import TruthTable

__all__ = ["perceptron_conflicts", "perceptron_problems"]

MAX_PASS: Final = 600
"""Largest number of rows times parameters of a pass of the perceptron rule, which is unrolled."""

_OPTIMIZER: Final = "training.optimizer"
_WITH_IT: Final = "with training.optimizer 'perceptron'"
_SMALL_TABLE: Final = f"at most {MAX_PASS} for rows times parameters {_WITH_IT}"


def perceptron_conflicts(
    problem: Problem, network: Network, loss: Loss, training: Training
) -> Iterator[Conflict]:
    """Yield the rules that are broken, without a look into a table."""
    if training.optimizer != "perceptron" or network.model is not None:
        return
    if network.hidden:
        yield conflict("network.hidden", network.hidden, f"[] {_WITH_IT}", _OPTIMIZER)
    if not network.has_biases:
        yield conflict("network.bias", network.bias, f"true {_WITH_IT}", _OPTIMIZER)
    if network.output != "step":
        yield conflict("network.output", network.output, f"'step' {_WITH_IT}", _OPTIMIZER)
    if problem.table is None and set(problem.targets) != {0.0, 1.0}:
        rule, others = f"0 and 1 {_WITH_IT}", (_OPTIMIZER, "problem.table")
        yield conflict("problem.targets", problem.targets, rule, *others)
    if loss.l2:
        yield conflict("loss.l2", loss.l2, f"0 {_WITH_IT}", _OPTIMIZER)
    if training.stop_gradient:
        rule = f"0 {_WITH_IT}, which has no gradient"
        yield conflict("training.stop_gradient", training.stop_gradient, rule, _OPTIMIZER)
    width = GATES.get(problem.gate or "", 0)
    if 2**width * (width + 1) > MAX_PASS and not network.hidden:
        yield conflict("problem.gate", problem.gate, _SMALL_TABLE, _OPTIMIZER, "problem.table")


def perceptron_problems(training: Training, table: TruthTable, n_parameters: int) -> list[str]:
    """Say where a table is none that the perceptron can learn, with so many parameters."""
    if training.optimizer != "perceptron":
        return []
    found, targets = [], table.targets
    if not np.isin(targets, (0.0, 1.0)).all():
        state = f"the targets go from {float(targets.min())!r} to {float(targets.max())!r}"
        found.append(f"{state}; expected 0 and 1 {_WITH_IT}.")
    if table.n_patterns * n_parameters > MAX_PASS:
        size = f"{counted(table.n_patterns, 'row')} and {counted(table.n_inputs, 'input')}"
        found.append(f"the table has {size}; expected {_SMALL_TABLE}.")
    return found
