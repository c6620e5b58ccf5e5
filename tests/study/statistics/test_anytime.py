"""Confidence sequences: closed form, numbers of any size, and coverage at every look at once."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from runner.study.statistics.anytime import anytime, concentration, log_evidence

COUNTS = st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
HALF_WIDTHS = st.sampled_from([0.1, 0.01, 0.001])


@pytest.mark.parametrize(("k", "n", "p"), [(3, 10, 0.4), (0, 7, 0.2), (40, 50, 0.7), (9, 9, 0.9)])
def test_the_evidence_is_the_integral_over_the_mixture(k: int, n: int, p: float) -> None:
    c = 12.0

    def ratio(q: float) -> float:
        prior = stats.beta.pdf(q, c * p, c * (1 - p))
        return float(prior * (q / p) ** k * ((1 - q) / (1 - p)) ** (n - k))

    integral = integrate.quad(ratio, 0, 1, epsabs=1e-12, epsrel=1e-12)[0]
    logit = np.log(p / (1 - p))
    assert np.exp(log_evidence(k, n, logit, c)) == pytest.approx(integral, rel=1e-9)


def exact_evidence(k: int, n: int, p: mpmath.mpf, c: float) -> float:
    a, b = c * p, c * (1 - p)
    mixture = mpmath.loggamma(k + a) - mpmath.loggamma(a)
    mixture += mpmath.loggamma(n - k + b) - mpmath.loggamma(b)
    mixture -= mpmath.loggamma(n + c) - mpmath.loggamma(c)
    return float(mixture - k * mpmath.log(p) - (n - k) * mpmath.log1p(-p))


@pytest.mark.parametrize("n", [1, 10, 10**4, 10**9])
@pytest.mark.parametrize("share", [0.0, 1e-6, 0.3, 1.0])
def test_ends_are_where_fifty_digits_say_that_the_evidence_is_twenty(n: int, share: float) -> None:
    k = round(share * n)
    (low,), (high,) = anytime(k, n)
    assert low <= k / n <= high
    assert (low == 0) >= (k == 0)
    assert (high == 1) >= (k == n)
    with mpmath.workdps(50):
        for end in (low, high):
            if 1e-15 < end < 1 - 1e-15:  # beyond, one restart excludes no share
                evidence = exact_evidence(k, n, mpmath.mpf(float(end)), concentration(0.01))
                assert evidence == pytest.approx(np.log(20), abs=1e-3)


@given(COUNTS, HALF_WIDTHS)
@settings(max_examples=40)
def test_an_interval_has_its_share_and_its_mirror_image(counts, half_width: float) -> None:
    k, n = counts
    (low,), (high,) = anytime(k, n, half_width)
    assert 0 <= low <= k / n <= high <= 1
    (other_low,), (other_high,) = anytime(n - k, n, half_width)
    np.testing.assert_allclose([other_low, other_high], [1 - high, 1 - low], rtol=0, atol=1e-9)


@given(COUNTS)
@settings(max_examples=30)
def test_many_are_as_each(counts) -> None:
    k, n = counts
    many = anytime([0, k, 1], [1, n, 1])
    assert (many.low[1], many.high[1]) == (anytime(k, n).low[0], anytime(k, n).high[0])
    assert np.isnan(anytime(0, 0)).all()


def crossing(rate: float, most: int, half_width: float) -> float:
    """The chance that an interval ever leaves the rate out, counted exactly."""
    alive = np.ones(1)  # by number of solved restarts, of those that have always covered
    for n in range(1, most + 1):
        k = np.arange(n + 1)
        alive = np.append(alive, 0) * (1 - rate) + np.append(0, alive) * rate
        low, high = anytime(k, np.full(n + 1, n), half_width)
        alive[(rate < low) | (high < rate)] = 0
    return 1 - float(alive.sum())


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.95])
def test_the_chance_to_be_ever_wrong_is_at_most_a_twentieth(rate: float) -> None:
    assert 0 < crossing(rate, 100, 0.1) <= 0.05
