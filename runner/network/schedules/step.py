"""A factor that drops every so many steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runner.network.schedules.base import Schedule, count, share
from runner.network.tensors import Namespace, Tensor, constant


class Step(Schedule):
    """FACTOR ** floor(steps / EVERY)."""

    form = "step:FACTOR:EVERY"

    def __init__(self, values: Sequence[str]) -> None:
        factor, every = values
        self.log, self.every = math.log(share(factor, least=1e-9)), count(every)

    def factor(self, T: Namespace, steps: Tensor, dtype: str) -> Tensor:
        # The middle of a step's range: a quotient that is rounded down to a whole number less
        # would drop one step late.
        half = constant(0.5, dtype)
        drops = T.floor((steps + half) / constant(self.every, dtype))
        return T.exp(drops * constant(self.log, dtype))
