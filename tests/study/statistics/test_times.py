"""The Kaplan-Meier estimate, against a published example and two other libraries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import CensoredData, ecdf
from statsmodels.duration.survfunc import SurvfuncRight

from runner.study.statistics.times import survival

# Remission times in weeks under 6-mercaptopurine (Freireich and others 1963; Cox and Oakes 1984).
REMISSION = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23])
CENSORED = np.array([6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])


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


@pytest.mark.parametrize("n", [6, 8, 14, 18, 20, 44])
def test_a_share_without_censoring_before_is_exact(n: int) -> None:
    half = survival(np.arange(1, n // 2 + 1), np.full(n // 2, 100))
    assert half["unsolved"].tolist() == [(n - k) / n for k in range(1, n // 2 + 1)]
    assert half.index[half["unsolved"] <= 0.5].tolist() == [n // 2]
