"""A factor that falls as the inverse of time."""

from __future__ import annotations

from collections.abc import Sequence

from runner.network.schedules.base import Schedule, share
from runner.network.tensors import Namespace, Tensor, constant


class Inverse(Schedule):
    """1 / (1 + DECAY * steps)."""

    form = "inverse:DECAY"

    def __init__(self, values: Sequence[str]) -> None:
        (text,) = values
        self.decay = share(text, most=1e9)

    def factor(self, T: Namespace, steps: Tensor, dtype: str) -> Tensor:
        one = constant(1, dtype)
        return one / (one + constant(self.decay, dtype) * steps)
