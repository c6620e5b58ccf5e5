"""Tables of variance, against published examples, hand-computed values and simulations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import CensoredData, binomtest, ecdf
from statsmodels.duration.survfunc import SurvfuncRight
from support.crafted import EXPERIMENT, crafted

from runner.study.variance import cutoff_costs, survival

# Remission times in weeks under 6-mercaptopurine (Freireich and others 1963; Cox and Oakes 1984).
REMISSION = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23])
CENSORED = np.array([6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
GATES = {**EXPERIMENT, "grid": {"problem.gate": ["XOR", "OR"]}}


def test_kaplan_meier_gives_the_published_example() -> None:
    table = survival(REMISSION, CENSORED)
    assert table.index.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert table["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert table["solved"].tolist() == [3, 1, 1, 1, 1, 1, 1]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert table["unsolved"].tolist() == pytest.approx(published, abs=5e-4)


def test_kaplan_meier_agrees_with_another_library() -> None:
    times = np.concatenate([REMISSION, CENSORED])
    status = np.repeat([1, 0], [len(REMISSION), len(CENSORED)])
    other = SurvfuncRight(times, status)
    table = survival(REMISSION, CENSORED)
    at = np.isin(other.surv_times, table.index)
    assert table["unsolved"].tolist() == pytest.approx(other.surv_prob[at].tolist())


def test_kaplan_meier_of_counts_is_that_of_restarts_one_by_one() -> None:
    times, n_times = np.unique(REMISSION, return_counts=True)
    ends, n_ends = np.unique(CENSORED, return_counts=True)
    table = survival(times, ends, n_times, n_ends)
    pd.testing.assert_frame_equal(table, survival(REMISSION, CENSORED))
    sample = CensoredData(uncensored=REMISSION.astype(float), right=CENSORED.astype(float))
    curve = ecdf(sample).sf
    interval = curve.confidence_interval(0.95, method="log-log")
    at = np.isin(curve.quantiles, times)
    assert table["unsolved"].tolist() == pytest.approx(curve.probabilities[at].tolist())
    assert table["ci_low"].tolist() == pytest.approx(interval.low.probabilities[at].tolist())
    assert table["ci_high"].tolist() == pytest.approx(interval.high.probabilities[at].tolist())


def test_kaplan_meier_has_no_interval_where_all_are_solved() -> None:
    table = survival(np.array([3, 5]), np.array([], int))
    assert table["unsolved"].tolist() == [0.5, 0.0]
    assert table["ci_low"].isna().tolist() == [False, True]


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


def test_configurations_of_the_same_starts_are_compared_in_pairs(tmp_path) -> None:
    n = 40
    xor = [k % 2 == 0 for k in range(n)]
    both = [k % 2 == 0 or k < 10 for k in range(n)]
    study = crafted(tmp_path / "s", {0: [9] * n, 1: [9] * n}, {0: xor, 1: both}, GATES)
    (row,) = study.comparisons.to_dict("records")
    assert (row["axis"], row["a"], row["b"], row["n"]) == ("problem.gate", 0, 1, n)
    assert row["paired"]
    assert row["difference"] == pytest.approx(5 / 40)
    # five discordant pairs, all of one kind: the sign test
    assert row["p_value"] == pytest.approx(2 * 0.5**5)
    assert row["p_holm"] == row["p_value"]
    # Bonett and Price (2012), equation 3
    p12, p21 = 6 / 42, 1 / 42
    half = 1.959964 * np.sqrt((p12 + p21 - (p12 - p21) ** 2) / 42)
    assert row["ci_low"] == pytest.approx(p12 - p21 - half, abs=3e-3)
    assert row["ci_high"] == pytest.approx(p12 - p21 + half, abs=3e-3)


def test_configurations_of_other_starts_are_compared_as_samples(tmp_path) -> None:
    experiment = {**EXPERIMENT, "grid": {"init.scale": [0.5, 2.0]}}
    a, b = [k < 56 for k in range(70)], [k < 48 for k in range(70)]
    study = crafted(tmp_path / "s", {0: [9] * 70, 1: [9] * 70}, {0: a, 1: b}, experiment)
    (row,) = study.comparisons.to_dict("records")
    assert not row["paired"]
    # Newcombe (1998), method 10, by hand
    low, high = (binomtest(k, 70).proportion_ci(0.95, method="wilson") for k in (56, 48))
    d = 48 / 70 - 56 / 70
    lower = d - np.hypot(48 / 70 - high.low, low.high - 56 / 70)
    upper = d + np.hypot(high.high - 48 / 70, 56 / 70 - low.low)
    assert [row["difference"], row["ci_low"], row["ci_high"]] == pytest.approx([d, lower, upper])


def test_losses_are_told_by_label(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9, 100, 100]}, {0: [True, False, False]})
    table = study.losses.loc[0]
    assert table["n"].to_dict() == {"solved": 1, "plateau": 2}
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["plateau", ["minimum", "median", "maximum"]].tolist() == [0.69] * 3


def test_a_study_without_a_restart_has_empty_tables(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [1]}, {0: [True]}, commit=False)
    for table in (study.budgets, study.times, study.strategies, study.losses, study.comparisons):
        assert table.empty
