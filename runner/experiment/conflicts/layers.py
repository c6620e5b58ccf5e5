"""Rules between the fields of `network`, with the table's width and with the optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runner.errors.messages import listed, shown
from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.fields.sections import Network, Training
from runner.network.optimizers.registry import OPTIMIZERS

__all__ = ["MAX_PARAMETERS", "layer_conflicts", "size_conflicts", "size_problems"]

MAX_PARAMETERS: Final = 1_000_000
"""Largest number of weights and biases of one network."""

_OTHERS: Final = ("network.hidden", "training.optimizer")


def size_conflicts(network: Network, n_parameters: int) -> Iterator[Conflict]:
    """Yield the rule that is broken where a network between a gate's patterns is too large."""
    if n_parameters > MAX_PARAMETERS:
        others = ("problem.gate", "network.output", "network.skip")
        yield conflict("network.hidden", network.hidden, _at_most(n_parameters), *others)


def size_problems(network: Network, n_parameters: int) -> list[str]:
    """Say where a network between a table's columns is too large."""
    if n_parameters <= MAX_PARAMETERS:
        return []
    return [f"network.hidden is {shown(network.hidden)}; expected {_at_most(n_parameters)}."]


def _at_most(size: int) -> str:
    return f"at most {MAX_PARAMETERS:,} parameters, not {size:,}"


def layer_conflicts(network: Network, training: Training) -> Iterator[Conflict]:
    """Yield the rules that are broken."""
    activation, n_layers = network.activation, len(network.hidden)
    if not isinstance(activation, str) and len(activation) != n_layers:
        each = f", or a list of {n_layers}, one for each hidden layer" if n_layers else ""
        rule = f"a name{each} (values that are crossed stand under [grid])"
        yield conflict("network.activation", activation, rule, *_OTHERS)
    if not network.freeze or network.model is not None:
        return
    if OPTIMIZERS[training.optimizer].by_pattern:
        rule = f"nothing with training.optimizer {training.optimizer!r}"
        yield conflict("network.freeze", network.freeze, rule, *_OTHERS)
        return
    names = network.architecture(1, 1).array_names
    once = len(set(network.freeze)) == len(network.freeze) < len(names)
    if not once or not set(network.freeze) <= set(names):
        rule = f"some of {listed(names)}, but not all"
        yield conflict("network.freeze", network.freeze, rule, *_OTHERS)
