"""What is known of critical points, and which search is said to have found them first."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.maps import configuration

from runner.mapping.critical_points import CriticalPoints
from runner.mapping.options import MapOptions

XOR = configuration()
NAMES = XOR.architecture.parameter_names


def row(weights: np.ndarray, index: int, null_directions: int) -> dict[str, Any]:
    """A point as a worker tells it; what is not looked at here is made up."""
    eigenvalues = np.zeros(len(NAMES))
    found = {"loss": 0.25, "index": index, "null_directions": null_directions}
    found |= {"gradient_norm": 1e-12, "eigenvalues": eigenvalues}
    return found | dict(zip(NAMES, weights, strict=True))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_a_family_is_of_the_search_that_came_to_it_first_and_of_its_highest_index(indices) -> None:
    """Its points are told by outputs alone: with outgoing weights of 0 any incoming ones do."""
    known, rng = CriticalPoints(XOR, MapOptions()), np.random.default_rng(1)
    for search, index in enumerate(indices, start=5):
        weights = rng.normal(size=len(NAMES))
        weights[[name.startswith("W2") for name in NAMES]] = 0.0
        weights[NAMES.index("b2[0]")] = 0.5
        assert known.add(row(weights, index, 2), search) == 0
    (family,) = known.points
    assert family.first == 5
    assert family.index == max(indices)


@given(st.integers(0, 7), st.floats(0.1, 30.0))
def test_every_image_of_a_point_is_that_point_and_with_inputs_exchanged_another(k, scale) -> None:
    """Also where rounding gives the image another canonical form, and both have one loss."""
    known, rng = CriticalPoints(XOR, MapOptions()), np.random.default_rng(3)
    weights = scale * rng.normal(size=(len(NAMES), 1))
    image = list(XOR.symmetries.images(weights))[k]
    assert known.add(row(weights[:, 0], 0, 0), 1) == 0
    known.points[0].coordinates = known.points[0].coordinates + 1.0  # of no use
    assert known.add(row(image[:, 0], 0, 0), 2) == 0
    other = weights[:, 0].copy()
    other[:4] = weights[[1, 0, 3, 2], 0]
    assert known.add(row(other, 0, 0), 3) == 1


def test_a_point_and_a_family_of_one_loss_are_two() -> None:
    known, weights = CriticalPoints(XOR, MapOptions()), np.linspace(-1, 1, len(NAMES))
    assert [
        known.add(row(weights, 0, null), first) for null, first in ((0, 3), (1, 4), (0, 9))
    ] == [
        0,
        1,
        0,
    ]
    assert [point.first for point in known.points] == [3, 4]


@given(st.permutations(range(5)), st.sampled_from([1e-9, 0.25, 300.0]))
def test_losses_that_rounding_tells_apart_are_one(order, scale) -> None:
    """Their points are then numbered as they were found, whatever the last digits are."""
    known, rng = CriticalPoints(XOR, MapOptions()), np.random.default_rng(2)
    losses = scale * (1 + np.array([-2e-16, 0.0, 2e-16, 1e-9, 2e-9]))
    for place in order:
        weights = rng.normal(size=len(NAMES))
        known.add({**row(weights, 1, 0), "loss": losses[place]}, place)
    found = [point.loss for point in known.points]
    assert len(set(found)) == 3
    assert {found[order.index(place)] for place in (0, 1, 2)} == {
        found[min(map(order.index, (0, 1, 2)))]
    }
    np.testing.assert_allclose(found, losses[list(order)], rtol=1e-12)
