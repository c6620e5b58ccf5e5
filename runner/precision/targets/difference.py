"""Whether configurations that differ in one axis differ in the share of solved restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runner.errors import ExperimentError
from runner.precision.targets.base import Need, Target
from runner.study.statistics.comparisons import pairs_of_same_starts
from runner.study.statistics.paired import decided
from runner.study.statistics.sample_sizes import first_pairs, next_pairs

if TYPE_CHECKING:
    import pandas as pd

    from runner.experiment.plan import Plan
    from runner.study.study import Study


class Difference(Target):
    """Of each pair with the same starts it is known to differ, or to differ by less than that.

    Configurations without such a partner need nothing.
    """

    def check(self, plan: Plan) -> None:
        if next(pairs_of_same_starts(plan), None) is None:
            message = (
                "difference (--until difference): no two configurations differ in one axis of the "
                "grid and have the same starts; expected such a pair. Compare shares: "
                "success_rate (--until success_rate)."
            )
            raise ExperimentError(message)

    def first(self) -> int:
        return first_pairs(self.value)

    def need(self, study: Study) -> Need:
        restarts, open_ = study.plan.counts.copy(), np.zeros(len(study.plan.counts), bool)
        pairs = self._pairs(study)
        differ, alike = decided(pairs["only_a"], pairs["only_b"], pairs["n"], self.value)
        undecided = pairs[~(differ | alike)]
        if len(undecided):
            n = undecided["n"].to_numpy()
            more = next_pairs(undecided["only_a"], undecided["only_b"], n, self.value) - n
            for members in (undecided["a"].to_numpy(), undecided["b"].to_numpy()):
                open_[members] = True
                np.maximum.at(restarts, members, study.plan.counts[members] + more)
        return Need(~open_, restarts, open_.astype(float))

    def found(self, study: Study) -> str:
        pairs = self._pairs(study)
        differ, alike = decided(pairs["only_a"], pairs["only_b"], pairs["n"], self.value)
        counts = f"{differ.sum():,} differ, {alike.sum():,} do not by that much"
        n_open = len(pairs) - differ.sum() - alike.sum()
        counts += f", {n_open:,} are open" if n_open else ""
        left_out = study.comparisons.attrs["left_out"]
        counts += f"; {left_out:,} more were not compared" if left_out else ""
        return f"of {len(pairs):,} pairs {counts}"

    @property
    def title(self) -> str:
        points = 100 * self.value
        unit = f"point{'' if points == 1 else 's'}"
        return f"each pair known to differ in the share solved, or by less than {points:g} {unit}"

    @staticmethod
    def _pairs(study: Study) -> pd.DataFrame:
        table = study.comparisons
        pairs = table[table["paired"].astype(bool) & (table["n"] > 0)]
        return pairs.astype({"only_a": float, "only_b": float})
