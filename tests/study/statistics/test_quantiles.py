"""Quantiles at every number of restarts at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.study.statistics.anytime import anytime
from runner.study.statistics.quantiles import anytime_quantile

VALUES = st.lists(st.integers(0, 20) | st.just(np.inf), min_size=1, max_size=300)


@given(VALUES, st.sampled_from([0.05, 0.5, 0.9]))
@settings(max_examples=50)
def test_values_outside_are_those_that_the_interval_of_their_share_excludes(values, share) -> None:
    seen, counts = np.unique(values, return_counts=True)
    got = anytime_quantile(seen, counts, share)
    assert got.estimate == np.quantile(values, share, method="inverted_cdf")
    n, up_to = len(values), np.cumsum(counts)
    # a value is too small if too few are at or below it, too large if too many are below it
    too_small = anytime(up_to, np.full(len(seen), n)).high < share
    too_large = anytime(up_to - counts, np.full(len(seen), n)).low > share
    np.testing.assert_array_equal(seen < got.low, too_small)
    np.testing.assert_array_equal(seen > got.high, too_large)
    assert got.low <= got.estimate <= got.high


def test_a_median_covers_at_all_numbers_of_restarts_at_once() -> None:
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(200):
        drawn = rng.geometric(0.05, 400)
        truth = 14  # the smallest whole number that half of these do not exceed
        wrong += any(
            not low <= truth <= high
            for n in range(20, 401, 20)
            for _, low, high in [
                anytime_quantile(*np.unique(drawn[:n], return_counts=True), 0.5, 0.1)
            ]
        )
    assert wrong <= 18


@pytest.mark.parametrize("n", [1, 3, 10**9])
def test_what_never_came_is_infinite(n: int) -> None:
    got = anytime_quantile(np.array([3.0, np.inf]), np.array([n // 10, n - n // 10]), 0.5)
    assert got.estimate == np.inf
    assert got.high == np.inf
    assert np.isnan(anytime_quantile(np.array([]), np.array([], int), 0.5).estimate)
