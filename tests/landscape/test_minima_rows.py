"""Estimates of the number of classes that were not met."""

from __future__ import annotations

import numpy as np
import pytest

from runner.landscape import minima_rows


def test_estimates_of_what_was_not_seen_are_the_published_formulas() -> None:
    found = np.repeat([0, 1, 2, 3, 4, 5, -1], [10, 4, 2, 2, 1, 1, 3])
    row = minima_rows.unseen(7, found)
    assert (row["n"], row["classes"], row["singletons"], row["doubletons"]) == (20, 6, 2, 2)
    assert row["good_turing"] == pytest.approx(2 / 20)
    assert row["chao1"] == pytest.approx(6 + 2 * 1 / (2 * 3))
    assert row["boender_rinnooy_kan"] == pytest.approx(6 * 19 / 12)
    empty = minima_rows.unseen(0, np.array([-1, -1]))
    assert empty["n"] == empty["classes"] == 0
    assert np.isnan(empty["chao1"])


def test_estimates_come_near_the_truth_of_a_known_population() -> None:
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.ones(40))
    missed, estimated, rows = [], [], []
    for _ in range(200):
        drawn = rng.choice(40, 60, p=shares)
        row = minima_rows.unseen(0, np.unique(drawn, return_inverse=True)[1])
        missed.append(1 - shares[np.unique(drawn)].sum())
        estimated.append(row["good_turing"])
        rows.append(row)
    assert np.mean(estimated) == pytest.approx(np.mean(missed), rel=0.15)
    for row in rows:
        assert row["classes"] <= row["chao1"]
    assert np.mean([row["chao1"] for row in rows]) <= 42
