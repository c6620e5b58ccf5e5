"""The perceptron rule."""

from __future__ import annotations

from runner.network.activations.step import UnitStep
from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.tensors import constant, weighted


class Perceptron(Optimizer):
    """Apply the perceptron rule (Rosenblatt 1958) to one pattern after the other: one pass.

    A unit that gives a wrong output on a pattern moves by the learning rate times the pattern,
    towards its target; the next pattern meets the moved weights. It knows no loss. Tensors are
    those of a single layer, as `runner.network.layouts.lanes.Lanes` has them.

    Counters: ``mistakes``, corrections made so far; ``period``, passes after which the weights
    came back, bit for bit, 0 while they have not; then passes since the weights were last noted
    down in the slot, and passes until they are next (Brent 1980). A pass is a function of the
    weights alone, so weights that come back once come back for ever.
    """

    n_slots = 1
    counters = (0.0, 0.0, 0.0, 1.0)
    columns = ("mistakes", "period")
    by_pattern = True

    def update(self, at: Point) -> Update:
        T, dtype = at.T, at.dtype
        zero, one, two = (constant(value, dtype) for value in (0, 1, 2))
        weights = list(at.parameters)
        mistakes, period, age, span = at.counters
        fan_in = len(at.patterns[0])
        units = len(at.targets) // len(at.patterns)
        for p, pattern in enumerate(at.patterns):
            inputs = [float(x) for x in pattern]
            for unit in range(units):
                row, bias = unit * fan_in, units * fan_in + unit
                z = weighted(weights[bias], weights[row : row + fan_in], inputs, dtype)
                error = at.targets[p * units + unit] - UnitStep().unit(T, z, dtype)
                move = at.rate * error
                weights[bias] = weights[bias] + move
                for i, x in enumerate(inputs):
                    if x:
                        weights[row + i] = weights[row + i] + constant(x, dtype) * move
                mistakes = mistakes + abs(error)
        noted = at.slots[0]
        # Nothing is noted down before the first pass; weights at rest have not come back.
        back = T.and_(T.gt(span, one), T.gt(mistakes, at.counters[0]))
        for weight, old in zip(weights, noted, strict=True):
            back = T.and_(back, T.eq(weight, old))
        age = age + one
        period = T.switch(T.and_(back, T.eq(period, zero)), age, period)
        note = T.ge(age, span)
        slot = [T.switch(note, new, old) for new, old in zip(weights, noted, strict=True)]
        counters = [mistakes, period, T.switch(note, zero, age), T.switch(note, two * span, span)]
        return Update(weights, [slot], counters)
