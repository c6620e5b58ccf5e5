"""What the tables of an analysis and those of a map both depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner.engines.registry import of_hessians
from runner.experiment.content_hash import digest
from runner.experiment.plan import Plan
from runner.study.study import Study


@dataclass(frozen=True)
class SurfacePlan:
    """Of which study the loss surfaces are looked at, and by which engine."""

    study: Study
    """Its committed restarts are analysed, or are starts of searches."""
    sweep: Plan
    """The study's plan, with models that may be executed."""

    @property
    def engine(self) -> str:
        """The engine that compiles: the sweep's, where it can compute Hessians."""
        return of_hessians(self.sweep.engine)


def device_digest(parts: Sequence[Any], device: str) -> str:
    """Digest of what decides tables that a kind of device computes."""
    return digest(list(parts) if device == "cpu" else [*parts, device])
