"""Starts of searches come from a counter."""

from __future__ import annotations

import numpy as np
import pytest
from support.maps import configuration

from runner.mapping.eigenvector_following import ANY
from runner.mapping.searches import BETWEEN, ENDPOINT, RANDOM, SearchStream


def stream(endpoints: int = 0, highest: int = -1) -> SearchStream:
    given = np.arange(9.0 * endpoints).reshape(9, endpoints)
    return SearchStream(1, configuration().symmetries, given, highest)


def test_any_range_is_a_part_of_the_whole() -> None:
    known = np.random.default_rng(0).normal(size=(9, 3))
    whole = stream(5).draw(0, 100, known, 2)
    part = stream(5).draw(37, 20, known, 2)
    for field in ("weights", "wanted", "origin"):
        assert np.array_equal(getattr(whole, field)[..., 37:57], getattr(part, field))


def test_starts_come_from_where_they_say() -> None:
    known = np.random.default_rng(0).normal(size=(9, 1)) + 100
    drawn = stream(5).draw(0, 4000, known, 2)
    given = np.flatnonzero(drawn.origin == ENDPOINT)
    assert np.array_equal(drawn.weights[:, given], stream(5).endpoints)
    between = drawn.weights[:, drawn.origin == BETWEEN]
    assert between.shape[1] == 1000
    assert (np.abs(between).max(axis=0) > 10).all()  # also half way between opposite images
    scale = drawn.weights[:, drawn.origin == RANDOM].std(axis=0)
    assert scale.min() < 0.1 < 5 < scale.max()
    assert (stream().draw(0, 40, np.zeros((9, 0)), 0).origin == RANDOM).all()


@pytest.mark.parametrize(("known", "highest"), [(0, -1), (1, -1), (4, -1), (4, 1), (4, 0)])
def test_wanted_indices_go_one_beyond_what_is_known(known, highest) -> None:
    wanted = stream(highest=highest).draw(0, 4000, np.zeros((9, 0)), known).wanted
    if highest >= 0:
        assert set(wanted) == set(range(highest + 1))
    else:
        assert set(wanted) == {ANY, 0, 1, *range(2, max(known, 1) + 2)}
        assert ((wanted == 1).mean() - 0.35) ** 2 < 0.03**2
