"""RMSprop."""

from __future__ import annotations

from types import MappingProxyType

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import constant


class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton 2012): the gradient by the root of its mean square.

    s = decay s + (1 - decay) g^2; p = p - rate g / (sqrt(s) + epsilon), as in PyTorch. With
    ``epsilon_in_root`` 1 the divisor is sqrt(s + epsilon), as in Keras.
    """

    constants = MappingProxyType({"decay": 0.9, "epsilon": 1e-8, "epsilon_in_root": 0.0})
    n_slots = 1

    def update(self, at: Point) -> Update:
        T, dtype, share = at.T, at.dtype, at.fixed(self, "decay")
        decay, rest = constant(share, dtype), constant(1 - share, dtype)
        epsilon = constant(at.fixed(self, "epsilon"), dtype)
        inside = bool(at.fixed(self, "epsilon_in_root"))
        moved, squares = [], []
        for p, g, square in zip(at.parameters, at.gradients, at.slots[0], strict=True):
            new = decay * square + rest * (g * g)
            root = T.sqrt(new + epsilon) if inside else T.sqrt(new) + epsilon
            moved.append(p - at.spread(at.rate, p) * g / root)
            squares.append(new)
        return Update(moved, [squares], [])
