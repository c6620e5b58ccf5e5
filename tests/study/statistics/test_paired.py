"""Differences of paired shares, at every number of pairs at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from runner.study.statistics.paired import (
    Difference,
    Outcome,
    log_wealth,
    outcome,
    paired_difference,
)

COUNTS = st.tuples(*[st.integers(0, 10**8)] * 3).filter(any)


@given(COUNTS)
def test_an_interval_has_its_mean_and_its_mirror_image(counts) -> None:
    falls, _, rises = counts
    n = sum(counts)
    got, mirrored = (
        Difference(*(float(x[0]) for x in paired_difference(*pair, n)))
        for pair in ((falls, rises), (rises, falls))
    )
    assert -1 <= got.low <= got.estimate == (rises - falls) / n <= got.high <= 1
    np.testing.assert_allclose([mirrored.low, mirrored.high], [-got.high, -got.low], atol=1e-12)
    assert (got.evidence >= np.log(20)) == (got.low > 0 or got.high < 0)
    for matters in (0.001, 0.1):
        end = outcome(falls, rises, n, matters)
        assert (end is Outcome.DIFFER) == (got.low > 0 or got.high < 0)
        alike = got.low > -matters and got.high < matters
        assert (end is Outcome.ALIKE) == (alike and end is not Outcome.DIFFER)


@given(st.floats(-0.99, 0.99), st.floats(0, 1))
def test_money_is_fair_against_a_true_difference(difference: float, spread: float) -> None:
    """Its mean after four pairs, over all that can happen, is what it was."""
    discordant = abs(difference) + spread * (1 - abs(difference))
    chances = {1: (discordant + difference) / 2, -1: (discordant - difference) / 2}
    chances[0] = 1 - discordant
    mean = 0.0
    for pairs in itertools.product((-1, 0, 1), repeat=4):
        counts = np.array([[pairs.count(-1)], [pairs.count(0)], [pairs.count(1)]])
        wealth = np.exp(log_wealth(counts, np.array([difference])))[0]
        mean += np.prod([chances[d] for d in pairs]) * wealth
    assert mean == pytest.approx(1, rel=1e-9)


def test_equal_pairs_say_nothing_of_whether_there_is_a_difference() -> None:
    few, many = paired_difference([9, 9], [30, 30], [39, 10**6]).evidence
    assert few == pytest.approx(many)
    # more careful than the test that may be made once only
    assert np.exp(-few) > binomtest(9, 39).pvalue


def crossing(first: float, second: float, most: int) -> float:
    """The chance that the true difference is ever left out, counted exactly."""
    alive = np.zeros((most + 2, most + 2))  # by pairs of either kind, of those that always covered
    alive[0, 0] = 1.0
    falls, rises = np.indices(alive.shape)
    for n in range(1, most + 1):
        grown = alive * (1 - first - second)
        grown[1:] += alive[:-1] * first
        grown[:, 1:] += alive[:, :-1] * second
        inside = falls + rises <= n
        counts = np.array([falls[inside], n - falls[inside] - rises[inside], rises[inside]])
        wealth = log_wealth(counts, np.full(counts.shape[1], second - first))
        grown[inside] *= wealth < np.log(20)
        alive = grown
    return 1 - float(alive.sum())


@pytest.mark.parametrize(("first", "second"), [(0.3, 0.3), (0.1, 0.6)])
def test_the_chance_to_be_ever_wrong_is_at_most_a_twentieth(first: float, second: float) -> None:
    assert 0 < crossing(first, second, 60) <= 0.05


def test_without_a_pair_nothing_is_known() -> None:
    assert np.isnan(paired_difference(0, 0, 0)[:3]).all()
    assert paired_difference(0, 0, 0).evidence == 0
    assert outcome(0, 0, 0, 0.5) is Outcome.OPEN
