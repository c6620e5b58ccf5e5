"""Targets by the fields of `runner.precision.until.Until`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.precision.targets.base import Target
from runner.precision.targets.classes import Classes
from runner.precision.targets.difference import Difference
from runner.precision.targets.success_rate import SuccessRate
from runner.precision.until import Until

TARGETS: Final[Mapping[str, type[Target]]] = {
    "success_rate": SuccessRate,
    "difference": Difference,
    "classes": Classes,
}
"""Every target."""


def targets(until: Until) -> list[Target]:
    """Return what is asked for; nothing if it is a time alone."""
    return [kind(until.asked[name]) for name, kind in TARGETS.items() if name in until.asked]
