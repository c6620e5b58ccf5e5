"""Rules between the fields that say when a restart counts as solved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runner.experiment.fields.sections import Network, Problem, Training

__all__ = ["SUCCESS_FIELDS", "class_problem", "solved_by", "success_conflicts"]

SUCCESS_FIELDS = ("problem.tolerance", "network.output", "network.model", "training.stop_loss")
"""Fields that play a part beside `problem.solved`."""

_NOT_NEGATIVE = ("sigmoid", "relu", "softmax", "step")


def solved_by(problem: Problem, network: Network) -> str:
    """Return what decides: what `problem.solved` says, or else what the other fields imply."""
    if problem.solved is not None:
        return problem.solved
    if problem.tolerance is not None:
        return "tolerance"
    return "class" if network.model is None and network.output == "softmax" else "side"


def success_conflicts(
    problem: Problem, network: Network, training: Training
) -> Iterator[tuple[str, object, str]]:
    """Yield the rules that are broken: a field, its value, and what was expected."""
    solved, near = problem.solved, problem.tolerance
    softmax = network.output == "softmax" and network.model is None
    if near is not None and solved not in (None, "tolerance"):
        yield "problem.tolerance", near, f"nothing with problem.solved {solved!r}"
    if near is not None and solved is None and softmax:
        rule = "nothing with network.output 'softmax', whose largest output counts, unless "
        yield "problem.tolerance", near, f"{rule}problem.solved is 'tolerance'"
    if solved == "tolerance" and near is None:
        yield "problem.solved", solved, "a problem.tolerance with it"
    if solved == "loss" and not training.stop_loss:
        yield "problem.solved", solved, "a training.stop_loss with it, at or under which it is so"
    if solved == "class" and not softmax:
        if problem.gate is not None:
            yield "problem.solved", solved, "network.output 'softmax' with it, of a gate"
        elif network.model is not None or network.output not in _NOT_NEGATIVE:
            names = ", ".join(map(repr, _NOT_NEGATIVE))
            yield "problem.solved", solved, f"a network.output of {names} with it"


def class_problem(targets: np.ndarray) -> str:
    """Return what keeps targets (n_patterns, n_outputs) from being classes; empty for nothing."""
    one_hot = np.isin(targets, (0.0, 1.0)).all() and (targets.sum(axis=1) == 1).all()
    if one_hot and targets.shape[1] > 1:
        return ""
    return (
        "the targets are not of classes; expected two target columns or more, 1 in one of them "
        "and 0 in all others, with problem.solved 'class'."
    )
