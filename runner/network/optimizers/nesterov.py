"""Nesterov's momentum."""

from __future__ import annotations

from runner.network.optimizers.base import Optimizer, Point, Update


class Nesterov(Optimizer):
    """Nesterov's momentum: v = momentum v - rate g; p = p + momentum v - rate g.

    The parameters are those at which the gradient is taken, one look ahead of Nesterov's own
    (Bengio et al. 2013, equation 7): the form of PyTorch, Keras and scikit-learn.
    """

    takes_momentum = True
    n_slots = 1

    def update(self, at: Point) -> Update:
        velocity, moved = [], []
        for p, v, g in zip(at.parameters, at.slots[0], at.gradients, strict=True):
            share, slope = at.spread(at.momentum, g), at.spread(at.rate, g) * g
            new = share * v - slope
            velocity.append(new)
            moved.append(p + (share * new - slope))
        return Update(moved, [velocity], [])
