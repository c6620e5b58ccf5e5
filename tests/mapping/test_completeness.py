"""Estimates of how much is missing."""

from __future__ import annotations

import numpy as np
import pytest

from runner.mapping.completeness import capture_recapture


def test_capture_and_recapture_by_hand() -> None:
    estimate, low, high = capture_recapture(20, 15, 11)
    assert estimate == pytest.approx(21 * 16 / 12 - 1)
    assert 24 < low < estimate < high
    assert capture_recapture(5, 5, 5) == (5, 5, 5)
    assert capture_recapture(0, 0, 0) == (0, 0, 0)


def test_the_interval_holds_the_number_about_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        first, second = rng.random((2, 60)) < [[0.7], [0.6]]
        _, low, high = capture_recapture(first.sum(), second.sum(), (first & second).sum())
        held += low <= 60 <= high
    assert 0.90 <= held / 400 <= 0.99
