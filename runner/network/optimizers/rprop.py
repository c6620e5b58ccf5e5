"""Resilient propagation: the sign of a derivative decides, not its size."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import Tensor, constant

_FLOOR: Final = 1e-4  # of the last step of FANN's rule
_FARTHEST: Final = 1500.0  # weight of FANN's rule


class _Resilient(Optimizer):
    """What the variants share: a step size for each weight, and how it changes.

    Step sizes start at the learning rate, grow by ``increase`` while a derivative keeps its sign,
    shrink by ``decrease`` when it changes, and stay in [``smallest_step``, ``largest_step``].
    """

    constants = MappingProxyType(
        {"increase": 1.2, "decrease": 0.5, "smallest_step": 1e-6, "largest_step": 50.0}
    )
    slot_from_rate = 1
    follows_size = False

    def _resized(self, at: Point, g: Tensor, before: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Where the derivative's sign has changed, and the new step size."""
        T, dtype = at.T, at.dtype
        zero, one = constant(0, dtype), constant(1, dtype)
        grow, shrink, low, high = (
            constant(at.fixed(self, name), dtype)
            for name in ("increase", "decrease", "smallest_step", "largest_step")
        )
        agreement = g * before
        same, turned = T.gt(agreement, zero), T.lt(agreement, zero)
        scale = T.switch(same, grow, T.switch(turned, shrink, one))
        return turned, T.minimum(T.maximum(size * scale, low), high)

    def _direction(self, at: Point, g: Tensor) -> Tensor:
        """Sign of a derivative: 1, 0 or -1."""
        T, zero, one = at.T, constant(0, at.dtype), constant(1, at.dtype)
        return T.switch(T.gt(g, zero), one, T.switch(T.lt(g, zero), -one, zero))


class Rprop(_Resilient):
    """The iRprop- variant (Igel and Hüsken 2000): no weight is moved back.

    A derivative that has changed its sign counts as zero once. So does PyTorch's.
    """

    n_slots = 2

    def update(self, at: Point) -> Update:
        zero = constant(0, at.dtype)
        moved, kept, sizes = [], [], []
        for p, g, before, size in zip(at.parameters, at.gradients, *at.slots, strict=True):
            turned, new_size = self._resized(at, g, before, size)
            used = at.T.switch(turned, zero, g)
            moved.append(p - self._direction(at, used) * new_size)
            kept.append(used)
            sizes.append(new_size)
        return Update(moved, [kept, sizes], [])


class RpropPlus(_Resilient):
    """The original, Rprop+ (Riedmiller and Braun 1993): with weight-backtracking.

    Where a derivative has changed its sign, the weight's last step is taken back, and the
    derivative counts as zero in the next comparison.
    """

    n_slots = 3

    def update(self, at: Point) -> Update:
        zero = constant(0, at.dtype)
        moved, kept, sizes, steps = [], [], [], []
        for p, g, before, size, last in zip(at.parameters, at.gradients, *at.slots, strict=True):
            turned, new_size = self._resized(at, g, before, size)
            step = at.T.switch(turned, -last, -(self._direction(at, g) * new_size))
            moved.append(p + step)
            kept.append(at.T.switch(turned, zero, g))
            sizes.append(new_size)
            # A step that was taken back is not taken back again: the next comparison finds zero.
            steps.append(step)
        return Update(moved, [kept, sizes, steps], [])


class RpropFann(_Resilient):
    """What libfann 2.2.0 calls iRprop-: it moves a weight up where a derivative counts as zero.

    A derivative that is zero, or has just changed its sign, counts as one that has kept its sign in
    the next comparison. Steps are resized from 0.0001 at least, so that ``smallest_step`` is of use
    above that. Weights stay in [-1500, 1500].
    """

    constants = MappingProxyType({**_Resilient.constants, "smallest_step": 0.0})
    n_slots = 2

    def update(self, at: Point) -> Update:
        T, dtype = at.T, at.dtype
        zero, floor, farthest = (constant(x, dtype) for x in (0, _FLOOR, _FARTHEST))
        grow, shrink, low, high = (
            constant(at.fixed(self, name), dtype)
            for name in ("increase", "decrease", "smallest_step", "largest_step")
        )
        moved, kept, sizes = [], [], []
        for p, g, before, size in zip(at.parameters, at.gradients, *at.slots, strict=True):
            turned = T.lt(g * before, zero)
            last = T.maximum(size, floor)
            smaller, larger = T.maximum(last * shrink, low), T.minimum(last * grow, high)
            new_size = T.switch(turned, smaller, larger)
            used = T.switch(turned, zero, g)
            new = p + T.switch(T.gt(used, zero), -new_size, new_size)
            moved.append(T.minimum(T.maximum(new, -farthest), farthest))
            kept.append(used)
            sizes.append(new_size)
        return Update(moved, [kept, sizes], [])
