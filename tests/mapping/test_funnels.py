"""Funnels beside their definition, worked out with NumPy's matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.mapping.funnels import bottoms


@st.composite
def surfaces(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses of minima and of saddles, and two ends of each saddle: minima, then saddles."""
    n_minima, n_saddles = draw(st.integers(1, 6)), draw(st.integers(0, 6))
    losses = np.array(draw(st.permutations(range(n_minima))), float)
    heights = 10.0 + np.array(draw(st.permutations(range(n_saddles))), float)
    end = st.integers(0, n_minima + n_saddles - 1)
    ends = [[draw(end), draw(end)] for _ in range(n_saddles)]
    return losses, heights, np.array(ends, int).reshape(-1, 2)


@settings(deadline=None, max_examples=200)
@given(surfaces())
def test_the_lowest_way_down_is_taken_also_by_way_of_other_saddles(surface) -> None:
    losses, heights, ends = surface
    n, m = len(losses), len(heights)
    leads = np.eye(n + m, dtype=int)
    for saddle, both in enumerate(ends):
        leads[n + saddle, both] = 1
    comes_to = np.linalg.matrix_power(leads, n + m)[n:, :n] > 0

    def bottom(minimum: int) -> int:
        ways = [
            s
            for s in range(m)
            if comes_to[s, minimum] and losses[comes_to[s]].min() < losses[minimum]
        ]
        if not ways:
            return minimum
        below = np.where(comes_to[min(ways, key=heights.__getitem__)], losses, np.inf)
        return bottom(int(below.argmin()))

    columns = {"class": n + np.arange(m), "loss": heights}
    joins = pd.DataFrame(columns | {"class_a": ends[:, 0], "class_b": ends[:, 1]})
    assert bottoms(pd.Series(losses), joins).tolist() == [bottom(k) for k in range(n)]


def test_a_saddle_that_ends_at_another_leads_where_that_one_does() -> None:
    losses = pd.Series([0.0, 1.0])
    joins = pd.DataFrame(
        {"class": [2, 3], "loss": [2.0, 3.0], "class_a": [0, 1], "class_b": [0, 2]}
    )
    assert bottoms(losses, joins).tolist() == [0, 0]
    assert bottoms(losses, joins[joins["class"] == 2]).tolist() == [0, 1]
