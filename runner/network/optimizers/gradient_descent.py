"""Gradient descent."""

from __future__ import annotations

from runner.network.optimizers.base import Optimizer, Point, Update


class GradientDescent(Optimizer):
    """Gradient descent: p = p - rate g."""

    def update(self, at: Point) -> Update:
        pairs = zip(at.parameters, at.gradients, strict=True)
        moved = [p - at.spread(at.rate, p) * g for p, g in pairs]
        return Update(moved, [], [])
