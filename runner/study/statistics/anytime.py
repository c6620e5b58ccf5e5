"""A proportion's interval that holds at every number of restarts at once: a confidence sequence.

Wilson's interval holds at a number of restarts that was fixed before. Who looks again and again,
and stops when it is narrow, stops where it is wrong more often than one time in twenty. A
confidence sequence covers the true share at *all* numbers of restarts together with 95%
probability, so also at one that was chosen by looking.

This one is Robbins' beta-binomial mixture (Robbins 1970, Ann. Math. Statist. 41:1397). For a share
p, the evidence against p is a ratio of likelihoods of the k solved among n restarts: that of shares
drawn from a beta distribution with mean p, Beta(c p, c (1 - p)), by that of p itself. If p is true,
this is a martingale that begins with 1, and passes 20 at any time with probability 1/20 at most
(Ville 1939). The shares with less evidence against them are the interval.

The concentration c says at how many restarts the interval is nearest to Wilson's: about 8 c. Any c
that does not depend on the restarts is valid, see Howard, Ramdas, McAuliffe and Sekhon (2021,
Ann. Statist. 49:1055, section 3.5).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from runner.study.statistics.bisection import EVIDENCE, first_outside

HALF_WIDTH: Final = 0.01
"""Half-width that intervals are made for where none was asked for."""

# In logits: shares down to 1e-20, far below 1 / n for any n that can be counted.
_FARTHEST = 46.0


class Interval(NamedTuple):
    """An interval of confidence 95%, or many."""

    low: np.ndarray
    """(m,) float64: lower ends; exactly 0 without a success, missing without a trial."""
    high: np.ndarray
    """(m,) float64: upper ends; exactly 1 without a failure, missing without a trial."""

    @property
    def half_width(self) -> np.ndarray:
        """(m,) float64: half the distance of the ends."""
        half: np.ndarray = (self.high - self.low) / 2
        return half


def concentration(half_width: float) -> float:
    """Return the concentration c for intervals that are to become that narrow.

    Parameters
    ----------
    half_width : float
        Half the width that is asked for, above 0.

    Notes
    -----
    0.1 / half_width² is best, for 95%, where the share is 5% or 95%. At 50% it takes 4% more
    restarts than the best c there, at 1% a third more; but there few are needed at all.
    """
    return 0.1 / half_width**2


def anytime(successes: npt.ArrayLike, n: npt.ArrayLike, half_width: float = HALF_WIDTH) -> Interval:
    """Return proportions' intervals that hold at all numbers of trials at once.

    Parameters
    ----------
    successes : array_like, shape (m,), int
        From 0 to ``n``.
    n : array_like, shape (m,), int
        Trials.
    half_width : float
        What the intervals are made for; it must not be chosen after the successes were seen.

    Returns
    -------
    Interval

    Notes
    -----
    The logarithm of the evidence is a sum of log(c + i/p), i < k, of log(c + j/(1 - p)),
    j < n - k, and of what does not depend on p. Each is convex in p, and at k/n the evidence is at
    most 1; so there is one end on either side of k/n, and bisection finds it.

    Examples
    --------
    >>> [round(float(end[0]), 3) for end in anytime([800], [1000])]
    [0.751, 0.843]
    """
    k, trials = (np.atleast_1d(np.asarray(counts, float)) for counts in (successes, n))
    c = concentration(half_width)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.clip(np.log(k) - np.log(trials - k), -_FARTHEST, _FARTHEST)
    middle[trials == 0] = 0
    ends = [_end(k, trials, middle, np.full_like(middle, side), c) for side in (-1, 1)]
    low, high = np.where(k == 0, 0.0, ends[0]), np.where(k == trials, 1.0, ends[1])
    low[trials == 0] = high[trials == 0] = np.nan
    return Interval(low, high)


def log_evidence(
    successes: npt.ArrayLike, n: npt.ArrayLike, logit: npt.ArrayLike, c: float
) -> np.ndarray:
    """Return the logarithm of the evidence against shares, given as logits log(p / (1 - p)).

    Parameters
    ----------
    successes, n, logit : array_like, shape (m,)
    c : float
        Concentration, above 0.

    Notes
    -----
    The error is about 1e-15 n log n: 2e-5 at a billion trials, where log 20 = 3.0 decides.
    """
    # Loads for longer than tables without it take to compute.
    from scipy.special import expit, gammaln

    k, trials, x = (np.asarray(values, float) for values in (successes, n, logit))
    a, b = c * expit(x), c * expit(-x)
    mixture = gammaln(k + a) - gammaln(a) + gammaln(trials - k + b) - gammaln(b)
    mixture -= gammaln(trials + c) - gammaln(c)
    likelihood = -k * np.logaddexp(0, -x) - (trials - k) * np.logaddexp(0, x)
    evidence: np.ndarray = mixture - likelihood
    return evidence


def _end(
    k: np.ndarray, n: np.ndarray, inside: np.ndarray, side: np.ndarray, c: float
) -> np.ndarray:
    """Where the evidence passes its limit, from logits inside to one side; never too near."""
    from scipy.special import expit

    def likely(logit: np.ndarray) -> np.ndarray:
        return log_evidence(k, n, logit, c) < EVIDENCE

    end: np.ndarray = expit(first_outside(likely, inside, side * _FARTHEST))
    return end
