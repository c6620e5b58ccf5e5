"""The table of how precisely a study knows its configurations."""

from __future__ import annotations

import numpy as np
import pytest
from support.crafted import EXPERIMENT, crafted

from runner.study.statistics.anytime import anytime
from runner.study.statistics.proportions import proportion


def test_both_intervals_and_the_median_time_are_of_all_restarts(tmp_path) -> None:
    steps = [1 + k // 2 for k in range(120)]
    most = [k < 80 for k in range(120)]
    few = [k < 20 for k in range(120)]
    experiment = {**EXPERIMENT, "grid": {"problem.gate": ["XOR", "OR"]}}
    study = crafted(tmp_path / "s", {0: steps, 1: steps}, {0: most, 1: few}, experiment)
    table = study.precision
    assert table["n"].tolist() == [120, 120]
    for index, solved in ((0, 80), (1, 20)):
        row = table.loc[index]
        assert row["solved"] == solved
        assert [*row[["success_rate", "ci_low", "ci_high"]]] == pytest.approx(
            proportion(solved, 120)
        )
        (low,), (high,) = anytime(solved, 120)
        assert [*row[["anytime_low", "anytime_high"]]] == [low, high]
        assert row["half_width"] == pytest.approx((high - low) / 2)
        # the interval that holds whenever one looks is the wider one
        assert low < row["ci_low"]
        assert high > row["ci_high"]
    # 80 of 120 are solved, two at each step, so half of all are within 30 steps
    assert table.loc[0, "time_median"] == 30
    assert 1 <= table.loc[0, "time_low"] < 30 < table.loc[0, "time_high"]
    assert table.loc[1, "time_median"] == np.inf


def test_times_that_are_not_known_are_missing(tmp_path) -> None:
    experiment = {**EXPERIMENT, "training": {"max_steps": 100, "stop_solved": False}}
    study = crafted(tmp_path / "s", {0: [100] * 9}, {0: [True] * 9}, experiment)
    assert study.precision[["time_median", "time_low", "time_high"]].isna().all(axis=None)


def test_a_study_without_a_restart_has_an_empty_table(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9]}, {0: [True]}, commit=False)
    assert study.precision.empty
