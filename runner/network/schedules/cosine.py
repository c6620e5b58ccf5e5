"""A factor that goes down along half a cosine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runner.network.schedules.base import Schedule, count, share
from runner.network.tensors import Namespace, Tensor, constant

_TERMS = 11  # of sine's series: enough for float64 up to a quarter of a turn


class Cosine(Schedule):
    """LAST + (1 - LAST) (1 + cos(pi steps / STEPS)) / 2, and LAST from then on.

    Loshchilov and Hutter 2017, without restarts.
    """

    form = "cosine:LAST:STEPS"

    def __init__(self, values: Sequence[str]) -> None:
        last, steps = values
        self.last, self.steps = share(last), count(steps)

    def factor(self, T: Namespace, steps: Tensor, dtype: str) -> Tensor:
        def fixed(value: float) -> Tensor:
            return constant(value, dtype)

        done = T.minimum(steps / fixed(self.steps), fixed(1))
        # cos(pi x) = sin(pi (1/2 - x)); there is no vector code for either, so a series.
        angle = fixed(math.pi) * (fixed(0.5) - done)
        square = angle * angle
        series = fixed(0)
        for k in reversed(range(_TERMS)):
            series = series * square + fixed((-1) ** k / math.factorial(2 * k + 1))
        height = fixed(0.5) + fixed(0.5) * (series * angle)
        return fixed(self.last) + fixed(1 - self.last) * height
