"""L-BFGS with a backtracking line search."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import Tensor, constant

_PAIRS = 5  # of steps and changes of the gradient that are remembered
_DESCENT = 1e-4  # share of the fall that the slope promises and that a step has to make
_SHORTEST = 1e-8  # share of a direction below which what is remembered is forgotten
_ROUNDING = 8  # units in the last place of the loss, by which it may seem to rise


class LBFGS(Optimizer):
    """L-BFGS (Nocedal 1980; Liu and Nocedal 1989) with five pairs.

    A step looks at one point on the current direction. If the loss there is low enough (Armijo's
    rule), it moves there; else it stays, and the next step looks nearer, where a parabola through
    what was seen has its minimum. So the loss never rises, by more than rounding. Pairs without
    positive curvature are left out. The first direction is the gradient's, and as long as the
    learning rate, as is the first after all pairs were forgotten; no step is longer than
    ``largest_step``.

    Notes
    -----
    Slots: the last point that was left, the gradient there, then steps and changes of the gradient,
    the newest first. Counters: 1 after a move, the share of the direction to try, the scale of the
    first guess, 0 for none, and 1 / (step . change) of each pair, 0 for none.
    """

    constants = MappingProxyType({"largest_step": 50.0})
    n_slots = 2 + 2 * _PAIRS
    counters = (0.0, 1.0, 0.0, *(0.0,) * _PAIRS)
    needs_whole_loss = True

    def update(self, at: Point) -> Update:
        T, dtype = at.T, at.dtype
        zero, one = constant(0, dtype), constant(1, dtype)
        here, slope = list(at.parameters), list(at.gradients)
        before, slope_before, *older = at.slots
        _, share, scale, *older_weights = at.counters
        pairs, weights, scale = self._remembered(at, older, older_weights, scale)
        length = T.sqrt(_dot(at, slope, slope))
        direction = self._direction(at, pairs, weights, scale, length)
        ahead = _dot(at, slope, direction)
        there = [p + at.spread(share, p) * d for p, d in zip(here, direction, strict=True)]
        loss, new = at.loss(here), at.loss(there)
        slack = constant(_ROUNDING * float(np.finfo(dtype).eps), dtype) * abs(loss)
        promised = share * ahead
        moves = T.le(new, loss + constant(_DESCENT, dtype) * promised + slack)
        # The parabola through both losses and the slope here has its minimum at this share of the
        # last one; a loss that is no number leaves the lower end.
        curve = (new - loss) - promised
        at_minimum = -promised / (constant(2, dtype) * curve)
        usable = T.and_(T.gt(curve, zero), T.gt(at_minimum, constant(0.1, dtype)))
        shrink = T.switch(usable, T.minimum(at_minimum, constant(0.5, dtype)), constant(0.1, dtype))
        nearer = share * shrink
        lost = T.lt(nearer, constant(_SHORTEST, dtype))
        forgotten = T.and_(T.invert(moves), lost)

        def either(new: Sequence[Tensor], old: Sequence[Tensor]) -> list[Tensor]:
            return [T.switch(at.spread(moves, b), a, b) for a, b in zip(new, old, strict=True)]

        counters = [
            T.switch(moves, one, zero),
            T.switch(T.or_(moves, lost), one, nearer),
            T.switch(forgotten, zero, scale),
            *(T.switch(forgotten, zero, weight) for weight in weights),
        ]
        slots = [either(here, before), either(slope, slope_before), *pairs]
        return Update(either(there, here), slots, counters)

    def _remembered(
        self,
        at: Point,
        pairs: Sequence[Sequence[Tensor]],
        weights: Sequence[Tensor],
        scale: Tensor,
    ) -> tuple[list[list[Tensor]], list[Tensor], Tensor]:
        """The pairs, their weights and the scale, with the pair of a step that was just made."""
        T, zero, one = at.T, constant(0, at.dtype), constant(1, at.dtype)
        before, slope_before = at.slots[:2]
        step = [p - q for p, q in zip(at.parameters, before, strict=True)]
        change = [g - h for g, h in zip(at.gradients, slope_before, strict=True)]
        curvature, square = _dot(at, step, change), _dot(at, change, change)
        enough = T.gt(curvature, constant(float(np.finfo(at.dtype).eps), at.dtype) * square)
        fresh = T.and_(T.gt(at.counters[0], zero), enough)
        newest = [step, change, *pairs[:-2]]
        kept = [
            [T.switch(at.spread(fresh, b), a, b) for a, b in zip(new, old, strict=True)]
            for new, old in zip(newest, pairs, strict=True)
        ]
        # The other branch of a switch is computed too: no division by zero there.
        weight = one / T.switch(fresh, curvature, one)
        moved = [weight, *weights[:-1]]
        kept_weights = [T.switch(fresh, a, b) for a, b in zip(moved, weights, strict=True)]
        divisor = T.switch(fresh, square, one)
        return kept, kept_weights, T.switch(fresh, curvature / divisor, scale)

    def _direction(
        self,
        at: Point,
        pairs: Sequence[Sequence[Tensor]],
        weights: Sequence[Tensor],
        scale: Tensor,
        length: Tensor,
    ) -> list[Tensor]:
        """Minus the inverse Hessian's estimate times the gradient, by the two loops."""
        T, dtype = at.T, at.dtype
        zero, one = constant(0, dtype), constant(1, dtype)
        steps, changes = pairs[::2], pairs[1::2]
        rest, shares = list(at.gradients), []
        for step, change, weight in zip(steps, changes, weights, strict=True):
            share = weight * _dot(at, step, rest)
            rest = [r - at.spread(share, r) * y for r, y in zip(rest, change, strict=True)]
            shares.append(share)
        first = at.rate / T.switch(T.gt(length, zero), length, one)
        scale = T.switch(T.gt(scale, zero), scale, first)
        rest = [at.spread(scale, r) * r for r in rest]
        for step, change, weight, share in reversed(
            list(zip(steps, changes, weights, shares, strict=True))
        ):
            excess = share - weight * _dot(at, change, rest)
            rest = [r + at.spread(excess, r) * s for r, s in zip(rest, step, strict=True)]
        size = T.sqrt(_dot(at, rest, rest))
        longest = constant(at.fixed(self, "largest_step"), dtype)
        limit = T.switch(T.gt(size, longest), longest / size, one)
        return [-(at.spread(limit, r) * r) for r in rest]


def _dot(at: Point, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Dot product of two vectors shaped like the parameters, per lane."""
    return at.add([x * y for x, y in zip(a, b, strict=True)])
