"""The ends of a Hessian's spectrum, where a bound decides before all steps are made."""

from __future__ import annotations

import numpy as np
import pytest
from support.quadratics import quadratic, symmetric

from runner.training.hessians import MAX_EXACT, extreme_curvatures


@pytest.fixture(scope="module")
def hessians() -> np.ndarray:
    """Twenty of 40 parameters; every second has one negative curvature, of -1e-3 to -1."""
    rng, spectra = np.random.default_rng(7), []
    assert MAX_EXACT < 40
    for number in range(20):
        spectrum = rng.uniform(0.01, 1, 40)
        if number % 2:
            spectrum[0] = -(10 ** rng.uniform(-3, 0))
        spectra.append(symmetric(rng, 1, np.sort(spectrum)))
    return np.concatenate(spectra)


def alone(hessians):
    """As `quadratic`; each endpoint's to the bit what it is whoever stands beside."""

    def gradients(parameters, which):
        products = [(hessians[w] * parameters[:, i]).sum(axis=1) for i, w in enumerate(which)]
        return np.stack(products, axis=1)

    return gradients


def test_a_bound_changes_no_verdict_and_no_value_that_reaches_it(hessians) -> None:
    at, which = np.zeros((40, 20)), np.arange(20)
    lowest, highest = extreme_curvatures(alone(hessians), at, which)
    truth = np.linalg.eigvalsh(hessians)
    for bound in (-0.5, -1e-2, -1e-4, 0.0):
        least = np.full(20, bound)
        low, high = extreme_curvatures(alone(hessians), at, which, least)
        reach = low >= least
        np.testing.assert_array_equal(reach, lowest >= least)
        np.testing.assert_array_equal(low[reach], lowest[reach])
        np.testing.assert_array_equal(high[reach], highest[reach])
        assert np.all(truth[:, 0] <= low + 1e-9)  # inside the spectrum, as of all steps
        assert np.all(high <= truth[:, -1] + 1e-9)


def test_who_is_below_the_bound_is_asked_no_further(hessians) -> None:
    asked = []

    def gradients(parameters, which):
        asked.append(which.tolist())
        return quadratic(hessians)(parameters, which)

    least = np.full(20, -1e-4)
    low, _ = extreme_curvatures(gradients, np.zeros((40, 20)), np.arange(20), least)
    above = np.flatnonzero(low >= least).tolist()
    assert above == list(range(0, 20, 2))
    assert asked[0] == list(range(20))
    assert asked[-1] == above
    assert len(asked) == 2 * 32


def test_no_second_step_is_made_where_the_first_decides(hessians) -> None:
    asked = []

    def gradients(parameters, which):
        asked.append(len(which))
        return quadratic(hessians)(parameters, which)

    at = np.zeros((40, 20))
    low, _ = extreme_curvatures(gradients, at, np.arange(20), np.full(20, 2.0))
    assert np.all(low < 2.0)
    assert asked == [20, 20]


def test_a_hessian_that_is_not_finite_has_no_ends_beside_a_bound(hessians) -> None:
    some = hessians[:3].copy()
    some[1] = np.nan
    with np.errstate(all="ignore"):
        low, high = extreme_curvatures(
            quadratic(some), np.zeros((40, 3)), np.arange(3), np.full(3, -2.0)
        )
    assert np.isfinite([low, high]).all(axis=0).tolist() == [True, False, True]
