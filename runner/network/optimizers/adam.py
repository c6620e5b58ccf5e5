"""Adam."""

from __future__ import annotations

from types import MappingProxyType

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import constant


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1); PyTorch's.

    With ``epsilon_hat`` 1 epsilon is added to the root of the average that is not yet corrected
    for its start at 0, as in the reformulation before their section 2.1: Keras and scikit-learn.
    """

    constants = MappingProxyType(
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "epsilon_hat": 0.0}
    )
    n_slots = 2
    counters = (1.0, 1.0)

    def update(self, at: Point) -> Update:
        T, dtype = at.T, at.dtype
        beta1, beta2 = at.fixed(self, "beta1"), at.fixed(self, "beta2")
        hat = bool(at.fixed(self, "epsilon_hat"))
        one, epsilon = constant(1, dtype), constant(at.fixed(self, "epsilon"), dtype)
        first, second = constant(beta1, dtype), constant(beta2, dtype)
        rest_first, rest_second = constant(1 - beta1, dtype), constant(1 - beta2, dtype)
        decay_first, decay_second = at.counters[0] * first, at.counters[1] * second
        bias_first, bias_second = at.rate / (one - decay_first), one / (one - decay_second)
        rate = at.rate * T.sqrt(one - decay_second) / (one - decay_first) if hat else bias_first
        moved, means, squares = [], [], []
        for p, g, mean, square in zip(at.parameters, at.gradients, *at.slots, strict=True):
            new_mean = first * mean + rest_first * g
            new_square = second * square + rest_second * (g * g)
            root = T.sqrt(new_square if hat else new_square * at.spread(bias_second, p))
            moved.append(p - at.spread(rate, p) * new_mean / (root + epsilon))
            means.append(new_mean)
            squares.append(new_square)
        return Update(moved, [means, squares], [decay_first, decay_second])
