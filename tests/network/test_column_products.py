"""Norms of columns do not depend on how many columns there are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.network.column_products import column_norms


@given(st.integers(1, 40), st.integers(2, 30), st.integers(0, 2**32))
def test_a_norm_has_the_same_bits_among_others_and_alone(n, k, seed) -> None:
    values = np.random.default_rng(seed).normal(size=(n, k))
    together = column_norms(values)
    for i in range(k):
        assert column_norms(values[:, i : i + 1])[0] == together[i]
