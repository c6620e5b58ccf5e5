"""Quantiles of groups, beside NumPy's of each group alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.study.statistics.base import group_quantiles

NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([np.inf, np.nan])


@given(st.lists(st.tuples(st.integers(0, 3), NUMBERS), max_size=30))
def test_quantiles_are_those_of_each_group_alone(rows) -> None:
    group = np.array([g for g, _ in rows], int)
    values = np.array([value for _, value in rows], float)
    got = group_quantiles(group, values, (0.0, 0.05, 0.5, 1.0), 5)
    for number in range(5):
        own = values[(group == number) & ~np.isnan(values)]
        if not own.size:
            assert np.isnan(got[number]).all()
            continue
        finite = np.minimum(own, 1e300)  # between two infinite ones NumPy has no number
        expected = np.quantile(finite, (0.0, 0.05, 0.5, 1.0))
        expected[expected > 1e6] = np.inf
        np.testing.assert_allclose(got[number], expected, rtol=1e-9, atol=1e-9)
