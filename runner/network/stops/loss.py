"""Stop at a loss."""

from __future__ import annotations

from runner.network.stops.base import StopPoint, StopRule
from runner.network.tensors import Tensor


class StopLoss(StopRule):
    """Stop where the loss is at or under the lane's threshold."""

    def holds(self, at: StopPoint) -> Tensor:
        return at.T.le(at.loss(), at.hyperparameter("stop_loss"))
