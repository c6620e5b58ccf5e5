"""Batches trained a second time, elsewhere, give the same bits or an alarm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.audits import chosen
from runner.experiment.plan import Batch

BATCHES = [Batch(g, k, k + 10) for g in range(3) for k in range(0, 500, 10)]


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_a_smaller_share_is_a_part_of_a_larger_one(a, b, seed) -> None:
    small, large = sorted((a, b))
    assert chosen(BATCHES, seed, small) <= chosen(BATCHES, seed, large)


@pytest.mark.parametrize(("share", "n"), [(0, 0), (1e-4, 1), (0.01, 2), (0.5, 75), (1, 150)])
def test_the_share_is_rounded_up(share, n) -> None:
    assert len(chosen(BATCHES, 5, share)) == n


def test_the_choice_is_the_seeds_alone() -> None:
    assert chosen(BATCHES, 5, 0.1) == chosen(reversed(BATCHES), 5, 0.1)
    assert chosen(BATCHES, 5, 0.1) != chosen(BATCHES, 6, 0.1)
