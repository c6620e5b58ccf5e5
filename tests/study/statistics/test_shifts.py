"""Medians of differences, and differences of medians, with their intervals."""

from __future__ import annotations

from math import comb

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from runner.study.statistics.shifts import independent_shift, paired_shift


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30))
def test_the_interval_of_a_median_is_that_of_the_sign_test(values) -> None:
    numbers = np.array(values, float)
    found = paired_shift(np.zeros(len(numbers)), numbers)
    n, ordered = len(numbers), np.sort(numbers)
    tail = np.cumsum([comb(n, k) for k in range(n + 1)]) / 2.0**n  # of fewer than the median
    outside = int((tail <= 0.025).sum())  # ranks that the interval leaves out at each end
    if outside == 0:
        assert np.isnan([found.low, found.high]).any()
    else:
        assert [found.low, found.high] == [ordered[outside - 1], ordered[-outside]]
    assert found.difference == np.median(numbers)


def test_intervals_of_medians_hold_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    trials, hits = 400, np.zeros(2)
    for _ in range(trials):
        a, b = random.exponential(size=60), random.exponential(size=50)
        hits[0] += paired_shift(a[:50], b).low <= 0 <= paired_shift(a[:50], b).high
        found = independent_shift(a, b)
        hits[1] += found.low <= 0 <= found.high
    for count in hits:
        assert binomtest(int(count), trials, 0.95, alternative="less").pvalue > 0.001


def test_numbers_that_are_not_finite_are_left_out() -> None:
    a, b = np.array([1.0, np.nan, 2.0, np.inf]), np.array([2.0, 3.0, 4.0, np.inf])
    assert paired_shift(a, b)[:2] == (2, 1.5)
    assert independent_shift(a, b)[:2] == (2, 1.5)
    assert np.isnan(paired_shift(a[:0], b[:0]).difference)
