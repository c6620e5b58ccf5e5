"""Stop when solved."""

from __future__ import annotations

from runner.network.stops.base import StopPoint, StopRule
from runner.network.tensors import Tensor


class StopSolved(StopRule):
    """Stop where every output is on the right side."""

    def holds(self, at: StopPoint) -> Tensor:
        return at.solved
