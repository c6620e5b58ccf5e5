"""Factors from given steps on."""

from __future__ import annotations

from collections.abc import Sequence

from runner.network.schedules.base import Schedule, count, share
from runner.network.tensors import Namespace, Tensor, constant

MOST_POINTS = 64
"""Points that a schedule may have: each is an instruction of every step."""


class Points(Schedule):
    """1 until the first STEP, then the FACTOR of the last STEP that was come to."""

    form = "points:STEP=FACTOR,STEP=FACTOR,..."

    def __init__(self, values: Sequence[str]) -> None:
        (text,) = values
        pairs = [pair.split("=") for pair in text.split(",")]
        self.points = [(count(step), share(value, most=1e9)) for step, value in pairs]
        steps = [step for step, _ in self.points]
        if steps != sorted(set(steps)) or len(steps) > MOST_POINTS:
            raise ValueError(text)

    def factor(self, T: Namespace, steps: Tensor, dtype: str) -> Tensor:
        factor = constant(1, dtype)
        for step, value in self.points:
            factor = T.switch(T.ge(steps, constant(step, dtype)), constant(value, dtype), factor)
        return factor
