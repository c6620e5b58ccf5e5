"""Fields that are set to what holds without them: no part of what identifies a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from runner.experiment.fields.training import PLATEAU_FALL, PLATEAU_NOISE, PLATEAU_STEPS
from runner.network.optimizers.registry import OPTIMIZERS

__all__ = ["without_defaults"]

_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "network": {"bias": True, "freeze": []},
        "loss": {"l2_biases": True},
        "init": {"value": 0.0},
        "training": {
            "order": "file",
            "slopes": "exact",
            "plateau_steps": PLATEAU_STEPS,
            "plateau_fall": PLATEAU_FALL,
            "plateau_noise": PLATEAU_NOISE,
        },
    }
)
"""Of fields that may be missing, what holds then; an optimizer's constants have its own."""


def without_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of an experiment without optional fields that say their defaults.

    Parameters
    ----------
    content : mapping
        Fields by section, as JSON; what else is there stays as it is.
    """
    training = content.get("training", {})
    rule = OPTIMIZERS.get(training.get("optimizer", "gradient-descent"))
    usual = {name: dict(fields) for name, fields in _DEFAULTS.items()}
    usual["training"] |= rule.constants if rule is not None else {}
    kept = dict(content)
    for name, defaults in usual.items():
        if isinstance(section := content.get(name), Mapping):
            kept[name] = {
                field: value
                for field, value in section.items()
                if field not in defaults or value != defaults[field]
            }
    scales = content.get("init", {}).get("layer_scales")
    if scales and all(scale == 1 for scale in scales):
        del kept["init"]["layer_scales"]
    return kept
