"""Times to solution: the estimate of Kaplan and Meier.

The time to solution is the step at which a restart is first solved. It is known where
``training.stop_solved`` ends restarts there. Otherwise a restart goes on, what is known is whether
it is solved in the end, and nothing is derived from that about earlier steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.study.statistics.base import (
    CONFIGURATION,
    INTEGER,
    NUMBER,
    Z,
    counted,
    indexed,
    times_known,
)

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies


def times(plan: Plan, tallies: Tallies) -> pd.DataFrame:
    """Kaplan-Meier estimate of the share that is not yet solved.

    Returns
    -------
    DataFrame
        Index configuration and step, a row for each step at which a restart was first solved.
        Configurations without known times to solution have no rows: they need
        ``training.stop_solved = true``.

    Columns
    -------
    at_risk : int64 (restarts), not solved before this step
    solved : int64 (restarts), solved at this step
    unsolved : float64, the estimated share that is not solved up to and with this step
    ci_low, ci_high : float64, its pointwise 95% interval (log-log, Kalbfleisch and Prentice)

    Notes
    -----
    A restart that ended in another way (out of steps, diverged, at a threshold) stays unsolved
    however long one waits under the same rules, so it is right-censored at ``max_steps``.
    """
    frames = []
    for configuration, tally in counted(plan, tallies):
        if not times_known(configuration) or not tally.n_solved:
            continue
        solved = tally.solved.sum(axis=1)
        end = np.array([configuration.settings.training.max_steps])
        others = np.array([tally.n - tally.n_solved])
        curve = survival(tally.steps[solved > 0], end, solved[solved > 0], others)
        frames.append(curve.assign(**{CONFIGURATION: configuration.index}))
    if not frames:
        columns = dict.fromkeys(("at_risk", "solved"), INTEGER)
        columns |= dict.fromkeys(("unsolved", "ci_low", "ci_high"), NUMBER)
        return indexed([], dict.fromkeys((CONFIGURATION, "step"), INTEGER), columns)
    return pd.concat(frames).reset_index().set_index([CONFIGURATION, "step"])


def survival(
    times: np.ndarray,
    censored: np.ndarray,
    n_times: np.ndarray | None = None,
    n_censored: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the Kaplan-Meier estimate (Kaplan and Meier 1958).

    Parameters
    ----------
    times : ndarray, shape (k,), int
        When solved restarts were first solved; at least one.
    censored : ndarray, shape (m,), int
        How long others were seen.
    n_times, n_censored : ndarray, shape (k,) and (m,), int, optional
        How many restarts each of these stands for; by default one.

    Returns
    -------
    DataFrame
        Index step: the different times. Columns as in `times`; the interval is missing where the
        estimate is 0.
    """
    steps, place = np.unique(times, return_inverse=True)
    solved = np.bincount(place, n_times).astype(np.int64)
    seen = np.concatenate([times, censored])
    ones = np.ones(len(seen), np.int64)
    n_seen = ones if n_times is None or n_censored is None else np.append(n_times, n_censored)
    order = np.argsort(seen)
    gone = np.concatenate([[0], np.cumsum(n_seen[order])])
    at_risk = n_seen.sum() - gone[np.searchsorted(seen[order], steps, side="left")]
    left = at_risk - solved
    # The factors are 1 but for those censored in between, so that a share of n restarts has the
    # bits of left / n, and one half is 0.5, which a product of rounded factors is not
    censoring = np.append(at_risk[0], left[:-1]) / at_risk
    unsolved = left / at_risk[0] * np.cumprod(censoring)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Greenwood's variance of the logarithm of the estimate, and the interval of its logarithm
        variance = np.cumsum(solved / (at_risk * left))
        half = Z * np.sqrt(variance) / np.abs(np.log(unsolved))
        low, high = unsolved ** np.exp(half), unsolved ** np.exp(-half)
    known = unsolved > 0
    return pd.DataFrame(
        {
            "at_risk": at_risk,
            "solved": solved,
            "unsolved": unsolved,
            "ci_low": np.where(known, low, np.nan),
            "ci_high": np.where(known, high, np.nan),
        },
        index=pd.Index(steps, name="step"),
    )
