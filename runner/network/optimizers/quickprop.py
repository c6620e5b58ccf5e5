"""Quickprop."""

from __future__ import annotations

from types import MappingProxyType

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import Tensor, constant


class Quickprop(Optimizer):
    """Quickprop (Fahlman 1988): a secant step for each weight on its own.

    Each weight's loss is taken for a parabola through its last two slopes. Its step is at most
    ``largest_growth`` times its last one, and the plain step ``-rate g`` is added unless the slope
    has changed its sign. The first step is plain, as is one after a step of at most ``at_rest``.
    """

    constants = MappingProxyType({"largest_growth": 1.75, "at_rest": 0.0})
    n_slots = 2

    def update(self, at: Point) -> Update:
        moved, slopes, steps = [], [], []
        for p, g, before, last in zip(at.parameters, at.gradients, *at.slots, strict=True):
            step = self._step(at, -g, before, last)
            moved.append(p + step)
            slopes.append(-g)
            steps.append(step)
        return Update(moved, [slopes, steps], [])

    def _step(self, at: Point, slope: Tensor, before: Tensor, last: Tensor) -> Tensor:
        """Return a weight's step; slopes are downhill, -g."""
        T, dtype, growth = at.T, at.dtype, at.fixed(self, "largest_growth")
        zero, rest = constant(0, dtype), constant(at.fixed(self, "at_rest"), dtype)
        plain = at.spread(at.rate, slope) * slope
        forth, back = T.gt(last, rest), T.lt(last, -rest)
        shrink = constant(growth / (1 + growth), dtype) * before
        # Where the parabola opens downwards, or its minimum is farther than the limit.
        far = T.switch(forth, T.gt(slope, shrink), T.lt(slope, shrink))
        gap = before - slope
        # The other branch of a switch is computed too: no division by zero there.
        secant = last * slope / T.switch(far, constant(1, dtype), gap)
        jump = T.switch(far, constant(growth, dtype) * last, secant)
        onward = T.switch(forth, T.gt(slope, zero), T.lt(slope, zero))
        return T.switch(T.or_(forth, back), jump + T.switch(onward, plain, zero), plain)
