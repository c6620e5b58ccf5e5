"""Resilient propagation."""

from __future__ import annotations

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import constant


class Rprop(Optimizer):
    """Resilient propagation, the iRprop- variant (Igel and Hüsken 2000).

    Step sizes start at the learning rate, grow by 1.2 while a derivative keeps its sign, shrink by
    0.5 when it changes (that derivative then counts as zero once), and stay in [1e-6, 50].
    """

    n_slots = 2
    slot_from_rate = 1
    follows_size = False

    def update(self, at: Point) -> Update:
        T, dtype = at.T, at.dtype
        zero, one = constant(0, dtype), constant(1, dtype)
        grow, shrink = constant(1.2, dtype), constant(0.5, dtype)
        low, high = constant(1e-6, dtype), constant(50, dtype)
        moved, kept, sizes = [], [], []
        for p, g, before, size in zip(at.parameters, at.gradients, *at.slots, strict=True):
            agreement = g * before
            same, turned = T.gt(agreement, zero), T.lt(agreement, zero)
            scale = T.switch(same, grow, T.switch(turned, shrink, one))
            new_size = T.minimum(T.maximum(size * scale, low), high)
            used = T.switch(turned, zero, g)
            direction = T.switch(T.gt(used, zero), one, T.switch(T.lt(used, zero), -one, zero))
            moved.append(p - direction * new_size)
            kept.append(used)
            sizes.append(new_size)
        return Update(moved, [kept, sizes], [])
