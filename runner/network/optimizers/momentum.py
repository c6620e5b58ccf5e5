"""Classical momentum."""

from __future__ import annotations

from runner.network.optimizers.base import Optimizer, Point, Update


class Momentum(Optimizer):
    """Classical momentum (Polyak 1964): v = momentum v - rate g; p = p + v."""

    takes_momentum = True
    n_slots = 1

    def update(self, at: Point) -> Update:
        velocity = [
            at.spread(at.momentum, g) * v - at.spread(at.rate, g) * g
            for v, g in zip(at.slots[0], at.gradients, strict=True)
        ]
        moved = [p + v for p, v in zip(at.parameters, velocity, strict=True)]
        return Update(moved, [velocity], [])
