"""How many restarts come next: at least what is needed, never more than twice what there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.study.statistics.anytime import anytime
from runner.study.statistics.paired import Outcome, decided, outcome
from runner.study.statistics.sample_sizes import (
    first_pairs,
    first_restarts,
    next_pairs,
    next_restarts,
)

WIDTHS = st.sampled_from([0.2, 0.05, 0.01])


@pytest.mark.parametrize("half_width", [0.3, 0.05, 0.01, 0.001])
def test_before_the_first_round_no_interval_could_be_narrow(half_width: float) -> None:
    n = first_restarts(half_width)
    assert anytime(0, n, half_width).half_width[0] <= half_width
    before = np.arange(n)[:2000]
    assert (anytime(before, np.full(len(before), n - 1), half_width).half_width > half_width).all()


@given(st.lists(st.tuples(st.integers(1, 10**5), st.floats(0, 1)), min_size=1, max_size=5), WIDTHS)
@settings(max_examples=15)
def test_each_gets_what_it_needs_if_it_goes_on_so(counts, half_width: float) -> None:
    n = np.array([trials for trials, _ in counts])
    k = np.array([round(share * trials) for trials, share in counts])
    wanted = next_restarts(k, n, half_width)
    narrow = anytime(k, n, half_width).half_width <= half_width
    np.testing.assert_array_equal(wanted == n, narrow)
    assert (wanted <= 2 * n).all()
    enough = (wanted < 2 * n) & ~narrow
    then = anytime(k / n * wanted, wanted, half_width).half_width
    assert (then[enough] <= half_width).all()
    # and hardly more
    less = np.floor(0.99 * wanted)
    before = anytime(k / n * less, less, half_width).half_width
    assert (before[enough & (less > n)] > half_width).all()
    one_by_one = [next_restarts(*row, half_width)[0] for row in zip(k, n, strict=True)]
    np.testing.assert_array_equal(wanted, one_by_one)


@given(
    shares=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
    n=st.integers(10, 5000),
    matters=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_pairs_get_what_tells_them_apart_if_they_go_on_so(shares, n: int, matters: float) -> None:
    only = [round(share * n) for share in shares]
    wanted = int(next_pairs(*([k] for k in only), [n], matters)[0])
    if outcome(*only, n, matters) is not Outcome.OPEN:
        assert wanted == n
        return
    assert n < wanted <= 2 * n
    rates = [k / n for k in only]
    if wanted < 2 * n:
        told = decided(*([rate * wanted * 1.01] for rate in rates), [wanted * 1.01], matters)
        assert told[0][0] or told[1][0]
    if 0.1 * (wanted - n) > 1 + 0.01 * n:
        earlier = n + 0.9 * (wanted - n)
        told = decided(*([rate * earlier] for rate in rates), [earlier], matters)
        assert not told[0][0]
        assert not told[1][0]


@pytest.mark.parametrize("matters", [0.3, 0.02])
def test_no_comparison_is_over_before_the_first_round(matters: float) -> None:
    n = first_pairs(matters)
    assert outcome(0, 0, n, matters) is Outcome.ALIKE
    assert outcome(0, 0, n - 1, matters) is Outcome.OPEN
