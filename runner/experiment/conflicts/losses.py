"""Rules between a loss, the outputs that it takes, and the targets that it compares them with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.fields.sections import Loss, Network

__all__ = [
    "PROBABILITIES",
    "SET_SQUARED",
    "loss_conflicts",
    "needs_probabilities",
    "target_problems",
]

PROBABILITIES: Final = "numbers from 0 to 1 with loss.kind 'cross-entropy'"
"""What targets are to be."""

SET_SQUARED: Final = " Set loss.kind to 'squared-error'"
"""What to do where they are not, to be ended."""

_BY_SQUARED: Final = f"{SET_SQUARED}, or for a column of classes network.output to 'softmax'."
_BY_TANH: Final = f"{SET_SQUARED} and network.output to 'tanh', or write 0 in place of -1."


def needs_probabilities(network: Network, loss: Loss) -> bool:
    """Whether targets are to be probabilities; a custom model has a loss of its own."""
    return loss.kind == "cross-entropy" and network.model is None


def loss_conflicts(network: Network, loss: Loss) -> Iterator[Conflict]:
    """Yield the rules that are broken."""
    if needs_probabilities(network, loss) and network.output not in ("sigmoid", "softmax"):
        rule, step = "'sigmoid' or 'softmax' with loss.kind 'cross-entropy'", f"{SET_SQUARED}."
        yield conflict("network.output", network.output, rule, "loss.kind", step=step)


def target_problems(loss: Loss, targets: np.ndarray) -> list[str]:
    """Say where a table's targets (n_patterns, n_outputs), float64, are none of the loss."""
    low, high = float(targets.min()), float(targets.max())
    if loss.kind != "cross-entropy" or 0 <= low <= high <= 1:
        return []
    hint = _BY_TANH if np.isin(targets, (-1, 1)).all() else _BY_SQUARED
    return [f"the targets go from {low!r} to {high!r}; expected {PROBABILITIES}.{hint}"]
