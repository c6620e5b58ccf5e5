"""The bound of the chance of a new class, against all that can happen and against simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.study.statistics.discoveries import log_evidence, new_class_chance


def test_a_single_class_is_the_rule_of_three_with_the_price_of_looking() -> None:
    for n in (100, 10_000, 10**8):
        bound = new_class_chance([0], n)
        assert -np.log(0.05) / n < bound < 6 / n
    assert new_class_chance([], 0) == 1
    assert new_class_chance(range(50), 50) == pytest.approx(1)


@given(st.lists(st.integers(0, 999), unique=True, max_size=30), st.integers(1000, 10**6))
@settings(max_examples=50)
def test_later_classes_raise_the_bound_and_more_restarts_lower_it(firsts, n: int) -> None:
    bound = new_class_chance(firsts, n)
    assert new_class_chance(firsts, 2 * n) < bound
    assert new_class_chance([*firsts, n - 1], n) > bound
    limit = log_evidence(firsts, n, bound)
    assert limit == pytest.approx(np.log(20), abs=1e-6)


def evidence_of_the_truth(shares: tuple[float, ...], most: int) -> float:
    """Mean of the evidence against the true chance of a new class, over all that can happen."""
    mean = 0.0
    for drawn in itertools.product(range(len(shares)), repeat=most):
        firsts = np.unique(drawn, return_index=True)[1]
        missed = 1 - sum(shares[kind] for kind in set(drawn))
        chance = float(np.prod([shares[kind] for kind in drawn]))
        mean += chance * np.exp(log_evidence(firsts, most, max(missed, 0.0)))
    return mean


@pytest.mark.parametrize("shares", [(0.6, 0.3, 0.1), (0.9, 0.09, 0.01)])
def test_the_evidence_against_the_truth_does_not_grow(shares) -> None:
    for most in (1, 4, 8):
        assert evidence_of_the_truth(shares, most) <= 1 + 1e-12


def test_the_bound_holds_at_all_numbers_of_restarts_at_once() -> None:
    shares = np.r_[0.5, 0.3, np.full(20, 0.01)]
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(200):
        drawn = rng.choice(len(shares), 2000, p=shares)
        firsts = np.unique(drawn, return_index=True)[1]
        # the bound falls until the next class comes, so it is least just before
        for n in [*np.sort(firsts)[1:], 2000]:
            missed = 1 - shares[np.unique(drawn[:n])].sum()
            if log_evidence(firsts[firsts < n], int(n), missed) >= np.log(20):
                wrong += 1
                break
    assert wrong <= 18  # 10 expected at most; 18 with a chance of 1% if that were so
