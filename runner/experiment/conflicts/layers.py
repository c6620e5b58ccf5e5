"""Rules between the fields of `network`, and with the optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from runner.errors.messages import listed
from runner.experiment.fields.sections import Network, Training
from runner.network.optimizers.registry import OPTIMIZERS


def layer_conflicts(network: Network, training: Training) -> Iterator[tuple[str, object, str]]:
    """Yield the fields that others contradict, each with its value and what is expected."""
    activation, n_layers = network.activation, len(network.hidden)
    if not isinstance(activation, str) and len(activation) != n_layers:
        each = f", or a list of {n_layers}, one for each hidden layer" if n_layers else ""
        rule = f"a name{each} (values that are crossed stand under [grid])"
        yield "network.activation", activation, rule
    if not network.freeze or network.model is not None:
        return
    if OPTIMIZERS[training.optimizer].by_pattern:
        rule = f"nothing with training.optimizer {training.optimizer!r}"
        yield "network.freeze", network.freeze, rule
        return
    names = network.architecture(1, 1).array_names
    once = len(set(network.freeze)) == len(network.freeze) < len(names)
    if not once or not set(network.freeze) <= set(names):
        yield "network.freeze", network.freeze, f"some of {listed(names)}, but not all"
