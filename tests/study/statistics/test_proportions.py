"""Proportions and their intervals, against SciPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from runner.study.statistics.proportions import proportion


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_and_its_interval_are_those_of_scipy(counts) -> None:
    successes, n = counts
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    got = proportion(successes, n)
    np.testing.assert_allclose(got, (successes / n, *interval), rtol=1e-12, atol=1e-15)
    assert (got[1] == 0) == (successes == 0)
    assert (got[2] == 1) == (successes == n)


def test_nothing_has_no_share() -> None:
    assert np.isnan(proportion(0, 0)).all()
