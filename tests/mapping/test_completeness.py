"""Estimates of how much is missing."""

from __future__ import annotations

import numpy as np
import pytest
from support.maps import configuration, mapped

from runner.mapping.completeness import capture_recapture, euler
from runner.mapping.options import MapOptions


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


def test_the_sum_of_signs_is_not_told_of_more_images_than_a_float_can_count() -> None:
    strong = configuration({"loss": {"kind": "squared-error", "reduction": "sum", "l2": 2.0}})
    found = mapped(strong, MapOptions(searches=20, round_searches=20))
    points = found.points.points
    assert [point.index for point in points] == [0]
    assert euler(found, points, [1.0]) == 1
    assert np.isnan(euler(found, points * 2, [2.0**53, 1.0]))  # 2**53 + 1 is no float
    assert np.isnan(euler(found, points, [2.0**60]))
