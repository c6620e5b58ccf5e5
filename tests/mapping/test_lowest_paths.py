"""The lowest way between two minima, beside shortest ways by Floyd and Warshall."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from runner.mapping.lowest_paths import lowest_way

MINIMA, SADDLES = 4, 6  # classes 0 to 3, and 4 to 9


@st.composite
def transitions(draw: st.DrawFn) -> pd.DataFrame:
    """Saddles in rising order, with paths to minima, to lower saddles or to nowhere."""
    losses = sorted(draw(st.lists(st.integers(1, 5), min_size=SADDLES, max_size=SADDLES)))
    rows = []
    for k, loss in enumerate(losses):
        row = {"class": MINIMA + k, "loss": float(loss)}
        for side in "ab":
            row[f"class_{side}"] = draw(st.integers(-1, MINIMA + k - 1))
            row[f"path_length_{side}"] = float(draw(st.integers(1, 9)))
        rows.append(row)
    return pd.DataFrame(rows)


@given(transitions(), st.integers(1, 5))
def test_a_way_is_the_shortest_that_is_low_enough(table, level) -> None:
    n = MINIMA + SADDLES
    steps = np.full((n, n), np.inf)
    for row in table[table["loss"] <= level].to_dict("records"):
        for side in "ab":
            end, length = row[f"class_{side}"], row[f"path_length_{side}"]
            if end >= 0:
                both = (row["class"], end)
                steps[both] = steps[both[::-1]] = min(steps[both], length)
    shortest = steps.copy()
    for k in range(n):
        shortest = np.minimum(shortest, shortest[:, [k]] + shortest[[k], :])
    known = table.set_index("class")
    for one in range(MINIMA):
        for other in range(one + 1, MINIMA):
            legs = lowest_way(table, one, other, level)
            here, walked = one, 0.0
            for leg in legs:
                end = known.loc[leg.saddle, f"class_{leg.side}"]
                begin, end = (leg.saddle, end) if leg.down else (end, leg.saddle)
                assert begin == here
                assert known.loc[leg.saddle, "loss"] <= level
                here, walked = end, walked + known.loc[leg.saddle, f"path_length_{leg.side}"]
            assert here == (other if legs else one)
            assert (walked if legs else np.inf) == shortest[one, other]
