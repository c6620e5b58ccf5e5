"""Arithmetic on the counts of a round."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.precision.next_round import fitting, following
from runner.precision.targets.base import Need

COUNTS = st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), min_size=1, max_size=9)


def need(*restarts: int) -> Need:
    return Need(np.zeros(len(restarts), bool), np.array(restarts), np.zeros(len(restarts)))


def test_each_configuration_gets_the_largest_of_its_needs_up_to_the_most() -> None:
    counts = np.array([10, 10, 10, 40])
    needs = [need(10, 15, 20, 80), need(12, 10, 20, 40)]
    assert following(counts, needs, 50).tolist() == [12, 15, 20, 50]
    assert following(counts, [need(10, 10, 10, 40)], 50).tolist() == counts.tolist()
    assert following(counts, [], 50).tolist() == [20, 20, 20, 50]
    assert following(counts, [], 5).tolist() == counts.tolist()


@given(COUNTS, st.floats(0, 1e11))
def test_a_round_fits_into_what_is_possible(counts, possible: float) -> None:
    now = np.array([count for count, _ in counts])
    wanted = now + [added for _, added in counts]
    fitted = fitting(now, wanted, possible)
    assert (now <= fitted).all()
    assert (fitted <= wanted).all()
    assert (fitted - now).sum() <= possible + 1e-6 * possible
    if (wanted - now).sum() <= possible:
        np.testing.assert_array_equal(fitted, wanted)
