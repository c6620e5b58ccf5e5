"""Stop at a gradient."""

from __future__ import annotations

from runner.network.stops.base import StopPoint, StopRule
from runner.network.tensors import Tensor


class StopGradient(StopRule):
    """Stop where the gradient's largest component is at or under the lane's threshold."""

    def holds(self, at: StopPoint) -> Tensor:
        peak = at.layout.highest(at.T, [abs(g) for g in at.gradients])
        return at.T.le(peak, at.hyperparameter("stop_gradient"))
