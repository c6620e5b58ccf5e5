"""Two shares of solved restarts, held against SciPy's and statsmodels' tests and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import DescrStatsW

from runner.study.statistics.holm import holm
from runner.study.statistics.success import independent_success, paired_success

OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(OUTCOMES)
def test_pairs_are_compared_by_the_exact_test_of_mcnemar(pairs) -> None:
    a, b = np.array(pairs).T
    found = paired_success(a, b)
    table = np.bincount(2 * a + b, minlength=4).reshape(2, 2)
    assert found.p_value == pytest.approx(float(mcnemar(table, exact=True).pvalue), rel=1e-9)
    difference = b.astype(float) - a.astype(float)
    assert found.difference == pytest.approx(difference.mean())
    low, high = DescrStatsW(np.append(difference, [1.0, -1.0])).zconfint_mean(0.05)
    # of the variance by n here, by n - 1 there
    n = len(pairs) + 2
    centre, half = (low + high) / 2, (high - low) / 2 * np.sqrt((n - 1) / n)
    ends = max(-1.0, centre - half), min(1.0, centre + half)
    assert (found.ci_low, found.ci_high) == pytest.approx(ends)


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.lists(st.booleans(), min_size=1))
def test_samples_are_compared_by_the_exact_test_of_fisher(first, second) -> None:
    a, b = np.array(first), np.array(second)
    found = independent_success(a, b)
    counts = [int(b.sum()), len(b), int(a.sum()), len(a)]
    table = [[counts[0], counts[1] - counts[0]], [counts[2], counts[3] - counts[2]]]
    assert found.p_value == pytest.approx(float(fisher_exact(table).pvalue), rel=1e-9)
    ends = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    assert (found.ci_low, found.ci_high) == pytest.approx(ends, abs=1e-12)


def test_large_samples_are_compared_in_the_far_tail() -> None:
    a, b = np.arange(50_000) < 10_000, np.arange(40_000) < 9_000
    table = [[9_000, 31_000], [10_000, 40_000]]
    # 9e-20: the tail that a double's 1 - p has not
    exact = float(fisher_exact(table).pvalue)
    assert exact < 1e-18
    assert independent_success(a, b).p_value == pytest.approx(exact, rel=1e-7)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_p_values_are_adjusted_as_holm_did(p_values) -> None:
    """The k-th smallest of m is taken m - k + 1 times; none gets less than a smaller one."""
    m, expected = len(p_values), [0.0] * len(p_values)
    least = 0.0
    for k, place in enumerate(sorted(range(m), key=p_values.__getitem__)):
        least = expected[place] = max(least, min(1.0, (m - k) * p_values[place]))
    assert holm(np.array(p_values)) == pytest.approx(expected)


def test_p_values_are_adjusted_as_statsmodels_does() -> None:
    # once: every call collects garbage, which takes seconds late in a long run of tests
    p_values = np.random.default_rng(1).beta(0.3, 3, 200)
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_no_test_is_adjusted_to_none() -> None:
    assert holm(np.empty(0)).shape == (0,)
