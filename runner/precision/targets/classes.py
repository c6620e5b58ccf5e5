"""The chance that the next restart ends in a class that was not met before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.precision.targets.base import Need, Target
from runner.study.statistics.discoveries import first_restarts, next_restarts

if TYPE_CHECKING:
    from runner.study.study import Study


class Classes(Target):
    """The bound of that chance of each configuration is that small."""

    analysed = True

    def first(self) -> int:
        return first_restarts(self.value)

    def need(self, study: Study) -> Need:
        counts, restarts = study.plan.counts, study.plan.counts.copy()
        chance = np.ones(len(counts))
        found = study.unseen.set_index("configuration")["chance_bound"]
        chance[found.index] = found.fillna(1.0)
        reached = chance < self.value
        for index in np.flatnonzero(~reached):
            classes = study.classes["class"].loc[[int(index)]]
            known = classes[classes >= 0].to_numpy()
            firsts = np.unique(known, return_index=True)[1]
            wanted = next_restarts(firsts, len(known), self.value)
            # Those of no class, and those that were not analysed, do not count.
            share = max(len(known), 1) / counts[index]
            restarts[index] += max(1, int(np.ceil((wanted - len(known)) / share)))
        return Need(reached, np.minimum(restarts, 2 * counts), chance)

    @property
    def title(self) -> str:
        return f"chance of a new class below {100 * self.value:g}%"
