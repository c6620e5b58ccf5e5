"""Update rules of the optimizers, as symbolic expressions on lists of tensors.

A rule knows how many *slots* it keeps (tensors shaped like the parameters, all zero at the start
unless said otherwise) and how many *counters* (one number per lane). Hyperparameters come in as
per-lane vectors, so one compiled function serves every learning rate of a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runner.network.architecture import Tensor, activate, constant, weighted


@dataclass(frozen=True)
class Point:
    """Everything a rule may use: one step's inputs, per lane."""

    T: Any
    """The engine's tensor namespace."""
    dtype: str
    """Of every floating-point tensor here."""
    parameters: Sequence[Tensor]
    """The parameters, in the layout's own tensors."""
    gradients: Sequence[Tensor]
    """The loss's gradient, shaped like the parameters."""
    slots: Sequence[Sequence[Tensor]]
    """The rule's state, each slot shaped like the parameters."""
    counters: Sequence[Tensor]
    """The rule's numbers per lane."""
    rate: Tensor
    """Learning rate per lane."""
    momentum: Tensor
    """Momentum per lane."""
    spread: Callable[[Tensor, Tensor], Tensor]
    """Makes a per-lane vector broadcast against a tensor."""
    patterns: Sequence[Sequence[float]]
    """The input patterns, for a rule that takes them one by one."""
    targets: Sequence[Tensor]
    """The layout's target group, likewise."""


@dataclass(frozen=True)
class Update:
    """What one step makes of parameters, slots and counters."""

    parameters: list[Tensor]
    slots: list[list[Tensor]]
    counters: list[Tensor]


@dataclass(frozen=True)
class Optimizer:
    """An update rule and the state that it keeps."""

    n_slots: int
    """Tensors kept per parameter."""
    counters: tuple[float, ...]
    """Starting values of the numbers kept per lane."""
    rule: Callable[[Point], Update]
    """The update of one step."""
    slot_from_rate: int | None = None
    """The slot that starts at the learning rate instead of zero, if any."""
    columns: tuple[str, ...] = ()
    """Columns of the shards that the first counters are stored in, as whole numbers."""
    by_pattern: bool = False
    """Whether it takes one pattern after the other, every weight on its own."""


def _gradient_descent(at: Point) -> Update:
    pairs = zip(at.parameters, at.gradients, strict=True)
    moved = [p - at.spread(at.rate, p) * g for p, g in pairs]
    return Update(moved, [], [])


def _momentum(at: Point) -> Update:
    """Classical momentum (Polyak 1964): v = momentum v - rate g; p = p + v."""
    velocity = [
        at.spread(at.momentum, g) * v - at.spread(at.rate, g) * g
        for v, g in zip(at.slots[0], at.gradients, strict=True)
    ]
    moved = [p + v for p, v in zip(at.parameters, velocity, strict=True)]
    return Update(moved, [velocity], [])


def _rprop(at: Point) -> Update:
    """Resilient propagation, the iRprop- variant (Igel and Hüsken 2000).

    Step sizes start at the learning rate, grow by 1.2 while a derivative keeps its sign, shrink by
    0.5 when it changes (that derivative then counts as zero once), and stay in [1e-6, 50].
    """
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


def _adam(at: Point) -> Update:
    """Adam (Kingma and Ba 2015) with its defaults: 0.9, 0.999, 1e-8."""
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


def _perceptron(at: Point) -> Update:
    """Apply the perceptron rule (Rosenblatt 1958) to one pattern after the other: one pass.

    A unit that gives a wrong output on a pattern moves by the learning rate times the pattern,
    towards its target; the next pattern meets the moved weights. It knows no loss. Tensors are
    those of a single layer, as `runner.network.layouts.Lanes` keeps them.

    Counters: ``mistakes``, corrections made so far; ``period``, passes after which the weights
    came back, bit for bit, 0 while they have not; then passes since the weights were last noted
    down in the slot, and passes until they are next (Brent 1980). A pass is a function of the
    weights alone, so weights that come back once come back for ever.
    """
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
            error = at.targets[p * units + unit] - activate(T, "step", z, dtype)
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


OPTIMIZERS = {
    "gradient-descent": Optimizer(0, (), _gradient_descent),
    "momentum": Optimizer(1, (), _momentum),
    "rprop": Optimizer(2, (), _rprop, slot_from_rate=1),
    "adam": Optimizer(2, (1.0, 1.0), _adam),
    "perceptron": Optimizer(
        1,
        (0.0, 0.0, 0.0, 1.0),
        _perceptron,
        columns=("mistakes", "period"),
        by_pattern=True,
    ),
}
"""Every optimizer by its name in the experiment file."""
