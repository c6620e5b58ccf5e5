"""The share of solved restarts, within a half-width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.precision.targets.base import Need, Target
from runner.study.statistics.precision import made_for
from runner.study.statistics.sample_sizes import first_restarts, next_restarts

if TYPE_CHECKING:
    from runner.study.study import Study


class SuccessRate(Target):
    """The interval of each configuration that holds at all numbers of restarts is that narrow."""

    def first(self) -> int:
        return first_restarts(self.value)

    def need(self, study: Study) -> Need:
        counts = study.plan.counts
        half_width = study.precision["half_width"].reindex(range(len(counts))).to_numpy()
        solved, n = (
            study.precision[name].reindex(range(len(counts)), fill_value=0).to_numpy()
            for name in ("solved", "n")
        )
        reached = half_width <= self.value
        # Where nothing could be trained, nothing is known of the share.
        wanted = next_restarts(solved, np.maximum(n, 1), self.value, made_for(study.plan))
        more = np.where(n > 0, wanted - n, counts)
        return Need(reached, counts + np.where(reached, 0, np.maximum(more, 1)), half_width)

    @property
    def title(self) -> str:
        points = 100 * self.value
        return f"share solved within {points:g} point{'' if points == 1 else 's'}"
