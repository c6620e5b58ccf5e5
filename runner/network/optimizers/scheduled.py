"""Any update rule with a rate or a momentum that changes from step to step."""

from __future__ import annotations

from dataclasses import replace

from runner.network.optimizers.base import Optimizer, Point, Update
from runner.network.schedules.base import Schedule
from runner.network.tensors import Tensor, constant

LONGEST_FLOAT32 = 2**24
"""Steps up to which float32 has every whole number, and can count them."""


class Scheduled(Optimizer):
    """An update rule, and a last counter for the steps made.

    Parameters
    ----------
    rule : Optimizer
    rate, momentum : Schedule, optional
        Factors on these settings.
    """

    def __init__(self, rule: Optimizer, rate: Schedule | None, momentum: Schedule | None) -> None:
        self._rule, self._rate, self._momentum = rule, rate, momentum
        # What stands in the class for other rules is the inner rule's here.
        self.__dict__.update(
            constants=rule.constants,
            takes_momentum=rule.takes_momentum,
            n_slots=rule.n_slots,
            counters=(*rule.counters, 0.0),
            slot_from_rate=rule.slot_from_rate,
            columns=rule.columns,
            by_pattern=rule.by_pattern,
            needs_whole_loss=rule.needs_whole_loss,
            follows_size=rule.follows_size,
        )

    def update(self, at: Point) -> Update:
        *counters, steps = at.counters

        def scheduled(setting: Tensor, schedule: Schedule | None) -> Tensor:
            return setting if schedule is None else setting * schedule.factor(at.T, steps, at.dtype)

        inner = self._rule.update(
            replace(
                at,
                counters=counters,
                rate=scheduled(at.rate, self._rate),
                momentum=scheduled(at.momentum, self._momentum),
            )
        )
        inner.counters.append(steps + constant(1, at.dtype))
        return inner
