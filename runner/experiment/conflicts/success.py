"""Rules between the fields that say when a restart counts as solved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.fields.sections import Network, Problem, Training

__all__ = ["class_problem", "solved_by", "success_conflicts"]

_FIELDS: Final = (
    "problem.solved",
    "problem.gate",
    "problem.tolerance",
    "network.output",
    "network.model",
    "training.stop_loss",
)
"""All of which play a part in each conflict."""

_NOT_NEGATIVE = ("sigmoid", "relu", "softmax", "step")


def solved_by(problem: Problem, network: Network) -> str:
    """Return what decides: what `problem.solved` says, or else what the other fields imply."""
    if problem.solved is not None:
        return problem.solved
    if problem.tolerance is not None:
        return "tolerance"
    return "class" if network.model is None and network.output == "softmax" else "side"


def success_conflicts(problem: Problem, network: Network, training: Training) -> Iterator[Conflict]:
    """Yield the rules that are broken."""
    solved, near = problem.solved, problem.tolerance
    softmax = network.output == "softmax" and network.model is None
    if near is not None and solved not in (None, "tolerance"):
        rule = f"nothing with problem.solved {solved!r}"
        yield conflict("problem.tolerance", near, rule, *_FIELDS)
    if near is not None and solved is None and softmax:
        rule = "nothing with network.output 'softmax', whose largest output counts, unless "
        rule += "problem.solved is 'tolerance'"
        yield conflict("problem.tolerance", near, rule, *_FIELDS)
    rule = ""
    if solved == "tolerance" and near is None:
        rule = "a problem.tolerance with it"
    elif solved == "loss" and not training.stop_loss:
        rule = "a training.stop_loss with it, at or under which it is so"
    elif solved == "class" and not softmax:
        if problem.gate is not None:
            rule = "network.output 'softmax' with it, of a gate"
        elif network.model is not None or network.output not in _NOT_NEGATIVE:
            rule = f"a network.output of {', '.join(map(repr, _NOT_NEGATIVE))} with it"
    if rule:
        yield conflict("problem.solved", solved, rule, *_FIELDS)


def class_problem(targets: np.ndarray) -> str:
    """Return what keeps targets (n_patterns, n_outputs) from being classes; empty for nothing."""
    one_hot = np.isin(targets, (0.0, 1.0)).all() and (targets.sum(axis=1) == 1).all()
    if one_hot and targets.shape[1] > 1:
        return ""
    return (
        "the targets are not of classes; expected two target columns or more, 1 in one of them "
        "and 0 in all others, with problem.solved 'class'."
    )
