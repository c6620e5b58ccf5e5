"""Restart strategies, by hand and against a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from support.crafted import crafted

from runner.study.statistics.strategies import cutoff_costs


def test_restart_strategies_by_hand(tmp_path) -> None:
    steps, solved = [2, 4, 50, 100], [True, True, True, False]
    study = crafted(tmp_path / "s", {0: steps}, {0: solved})
    row = study.strategies.loc[0]
    assert row["budget_cost"] == pytest.approx(156 / 3)
    # at cutoff 2: 8 steps, one solved; at 4: 2 + 3 * 4 steps, two solved; at 50: 156 - 50, three
    cutoffs, costs = cutoff_costs(np.array(steps), np.array(solved))
    assert cutoffs.tolist() == [2, 4, 50]
    assert costs.tolist() == pytest.approx([8 / 1, 14 / 2, 106 / 3])
    assert row[["best_cutoff", "best_cost"]].tolist() == [4, 7]
    # even restarts (2, 50) are best cut at 2; of the odd ones (4, 100) none is solved by then
    assert row["checked_cost"] == np.inf
    assert row["restarts_99"] == 4  # ln 0.01 / ln 0.25 = 3.32
    assert row["ci_low"] <= 4 <= row["ci_high"]


def test_costs_of_counts_are_those_of_restarts_one_by_one() -> None:
    rng = np.random.default_rng(5)
    steps, solved = rng.integers(1, 9, 200), rng.random(200) < 0.5
    each, n = np.unique(steps, return_counts=True)
    counted = cutoff_costs(each, np.array([solved[steps == k].sum() for k in each]), n)
    np.testing.assert_allclose(counted, cutoff_costs(steps, solved))


def test_the_cost_of_a_cutoff_is_what_a_simulation_pays() -> None:
    rng = np.random.default_rng(11)
    steps = np.where(rng.random(500) < 0.7, rng.geometric(0.02, 500), 1_000)
    solved = steps < 1_000
    cutoffs, costs = cutoff_costs(steps, solved)
    which = len(cutoffs) // 3
    cutoff, paid = cutoffs[which], []
    for _ in range(4_000):
        total = 0
        while True:
            k = rng.integers(500)
            total += min(steps[k], cutoff)
            if solved[k] and steps[k] <= cutoff:
                break
        paid.append(total)
    error = np.std(paid) / np.sqrt(len(paid))
    assert abs(np.mean(paid) - costs[which]) < 4 * error


def test_a_start_that_is_solved_already_still_costs_a_look(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [0, 0, 9]}, {0: [True] * 3})
    row = study.strategies.loc[0]
    assert row["best_cost"] == pytest.approx(3 / 2)
    assert row["restarts_99"] == 1


def test_no_solution_costs_without_end(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [100] * 5}, {0: [False] * 5})
    row = study.strategies.loc[0]
    assert row[["restarts_99", "budget_cost", "best_cost", "luby_cost"]].tolist() == [np.inf] * 4
    assert np.isfinite(row["ci_low"])
    assert study.times.empty
