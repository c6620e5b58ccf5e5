"""Success by budget and times to solution of crafted studies, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from support.crafted import EXPERIMENT, crafted


def test_times_to_solution_are_censored_at_the_budget(tmp_path) -> None:
    # the third diverged at step 7: it is unsolved at every budget, not unknown from there on
    study = crafted(tmp_path / "s", {0: [5, 20, 7, 100]}, {0: [True, True, False, False]})
    assert study.times["unsolved"].tolist() == [0.75, 0.5]
    assert study.times["at_risk"].tolist() == [4, 3]
    budgets = study.budgets.loc[0]
    assert budgets.index.tolist() == [1, 2, 5, 10, 20, 50, 100]
    assert budgets["solved"].tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert budgets["first_solved"].all()
    interval = binomtest(2, 4).proportion_ci(0.95, method="wilson")
    bounds = pytest.approx([interval.low, interval.high], rel=1e-12)
    assert budgets.loc[100, ["ci_low", "ci_high"]].tolist() == bounds


def test_without_stopping_at_a_solution_only_the_end_is_known(tmp_path) -> None:
    experiment = {**EXPERIMENT, "training": {"max_steps": 100, "stop_solved": False}}
    study = crafted(tmp_path / "s", {0: [100] * 3}, {0: [True, False, True]}, experiment)
    assert study.budgets.index.tolist() == [(0, 100)]
    assert not study.budgets["first_solved"].any()
    assert study.times.empty
    row = study.strategies.loc[0]
    assert row["restarts_99"] == np.ceil(np.log(0.01) / np.log(1 / 3))
    assert row[["budget_cost", "best_cutoff", "best_cost", "luby_cost"]].isna().all()
