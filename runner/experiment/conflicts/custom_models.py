"""Rules of a custom model, which is in place of layers and their loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.fields.sections import Init, Loss, Network, Training
from runner.network.optimizers.registry import OPTIMIZERS

__all__ = ["model_conflicts", "model_start_conflicts"]

_TRAINED: Final = tuple(name for name, rule in OPTIMIZERS.items() if not rule.by_pattern)
_DRAWN: Final = ("uniform", "normal", "constant", "slice")


def model_conflicts(network: Network, loss: Loss, training: Training) -> Iterator[Conflict]:
    """Yield the rules that are broken, but for those of starts."""
    if network.model is None:
        return
    rule = "nothing with network.model, which is the whole network and its loss"
    for name, section in (("network", network), ("loss", loss)):
        for field in sorted(section.model_fields_set - {"model", "l2"}):
            yield conflict(f"{name}.{field}", getattr(section, field), rule, "network.model")
    yield from _without_layers("training.optimizer", training.optimizer, _TRAINED)


def model_start_conflicts(init: Init, network: Network) -> Iterator[Conflict]:
    """Yield the rules of starts that are broken."""
    if network.model is not None:
        yield from _without_layers("init.distribution", init.distribution, _DRAWN)


def _without_layers(path: str, value: str, known: Sequence[str]) -> Iterator[Conflict]:
    """Yield the conflict of a field that goes by layers, if its value is none of those known."""
    if value not in known:
        rule = f"{' or '.join(map(repr, known))} with network.model, whose layers are not known"
        yield conflict(path, value, rule, "network.model")
