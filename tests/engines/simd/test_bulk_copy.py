"""Columns of matrices that move together: each comes to what it would come to alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engines.simd.lowering import loop

SHAPE = (2, 3)


@cache
def doubling(dtype: str):
    """Doubles a matrix until its sum exceeds a limit of the column's own; tells the sum times 3."""
    x = pt.tensor("x", dtype=dtype, shape=SHAPE)
    most, counter = (pt.tensor(name, dtype=dtype, shape=()) for name in ("most", "counter"))
    total = x.sum()
    one, three = (np.asarray(k, dtype) for k in (1, 3))
    moved = [x + x, counter + one]
    return loop([x, counter], [most], moved, pt.gt(total, most), [total * three], nested=True)


# so many columns, alike: from where to where their steps go, and the limit of their sums
ALIKE = st.tuples(
    st.integers(1, 20), st.integers(0, 9), st.integers(0, 9), st.sampled_from((0.0, 40.0, 1e6))
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(st.lists(ALIKE, max_size=5))
def test_columns_halt_where_they_would_alone(dtype, groups) -> None:
    """Whole blocks of them and parts of blocks, that come, leave or halt at once or do not."""
    rows = [group[1:] for group in groups for _ in range(group[0])]
    n = len(rows)
    steps, limit = (np.array([row[k] for row in rows], np.int32) for k in (0, 1))
    most = np.array([row[2] for row in rows], dtype)
    starts = np.random.default_rng(n).integers(1, 9, (6, n)).astype(dtype)
    carried = np.concatenate([starts, np.zeros((1, n), dtype)])
    told, before = np.full(n, -1, dtype), steps.copy()
    doubling(dtype)(carried, steps, limit, [most], [told])
    for k in range(n):
        x, taken, last = starts[:, k], 0, -1.0
        while before[k] + taken < limit[k]:
            last = 3 * x.sum()
            if x.sum() > most[k]:
                break
            x, taken = x * 2, taken + 1
        assert carried[:, k].tolist() == [*x, taken]
        assert steps[k] == before[k] + taken
        assert told[k] == last
