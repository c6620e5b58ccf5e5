"""Adam."""

from __future__ import annotations

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import constant


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015) with its defaults: 0.9, 0.999, 1e-8."""

    n_slots = 2
    counters = (1.0, 1.0)

    def update(self, at: Point) -> Update:
        T, dtype = at.T, at.dtype
        one, epsilon = constant(1, dtype), constant(1e-8, dtype)
        first, second = constant(0.9, dtype), constant(0.999, dtype)
        rest_first, rest_second = constant(1 - 0.9, dtype), constant(1 - 0.999, dtype)
        decay_first, decay_second = at.counters[0] * first, at.counters[1] * second
        bias_first, bias_second = at.rate / (one - decay_first), one / (one - decay_second)
        moved, means, squares = [], [], []
        for p, g, mean, square in zip(at.parameters, at.gradients, *at.slots, strict=True):
            new_mean = first * mean + rest_first * g
            new_square = second * square + rest_second * (g * g)
            root = T.sqrt(new_square * at.spread(bias_second, p))
            moved.append(p - at.spread(bias_first, p) * new_mean / (root + epsilon))
            means.append(new_mean)
            squares.append(new_square)
        return Update(moved, [means, squares], [decay_first, decay_second])
