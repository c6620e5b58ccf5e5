"""A factor that shrinks by the same share at every step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runner.network.schedules.base import Schedule, share
from runner.network.tensors import Namespace, Tensor, constant


class Exponential(Schedule):
    """FACTOR ** steps."""

    form = "exponential:FACTOR"

    def __init__(self, values: Sequence[str]) -> None:
        (text,) = values
        self.log = math.log(share(text, least=1e-9))

    def factor(self, T: Namespace, steps: Tensor, dtype: str) -> Tensor:
        return T.exp(steps * constant(self.log, dtype))
