"""What a solution costs under restart strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.study.statistics import luby
from runner.study.statistics.base import (
    CONFIGURATION,
    INTEGER,
    NUMBER,
    counted,
    indexed,
    times_known,
)
from runner.study.statistics.proportions import proportion

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies, Tally


def strategies(plan: Plan, tallies: Tallies) -> pd.DataFrame:
    """What a solution costs under restart strategies, in steps of training.

    Returns
    -------
    DataFrame
        Index configuration, a row each. Costs and cutoffs are missing where times to solution are
        not known; costs are infinite where nothing was solved.

    Columns
    -------
    n, solved : int64 (restarts), trained, and solved
    restarts_99, ci_low, ci_high : float64 (restarts), after which at least one is solved with
        probability 99%, ln 0.01 / ln(1 - p) rounded up, and its interval from that of p
    budget_cost : float64 (steps), expected per solution with ``max_steps`` as cutoff
    best_cutoff, best_cost : float64 (steps), the cutoff of least expected cost, and that cost
    checked_cost : float64 (steps), cost on the odd restarts of the cutoff that is best on the even
        ones
    luby_cost : float64 (steps), expected under Luby's schedule

    Notes
    -----
    The cost of a cutoff c is E[min(R, c)] / F(c), R being the steps at which a restart ended for
    whatever reason and F(c) the share that is solved within c steps. ``best_cost`` is chosen as
    the least of many estimates on the same restarts and so is too low on average; ``checked_cost``
    is not. Runs of Luby's schedule beyond ``max_steps`` are cut there. A restart that is solved at
    its start counts as one step, since to look at it is not free.
    """
    rows = []
    for configuration, tally in counted(plan, tallies):
        n, k = tally.n, tally.n_solved
        _, low, high = proportion(k, n)
        needed = (_restarts_99(k / n), _restarts_99(high), _restarts_99(low))
        costs: tuple[float, ...] = (np.nan,) * 5
        if times_known(configuration):
            costs = _costs(tally, configuration.settings.training.max_steps)
        rows.append((configuration.index, n, k, *needed, *costs))
    names = ["restarts_99", "ci_low", "ci_high"]
    names += ["budget_cost", "best_cutoff", "best_cost", "checked_cost", "luby_cost"]
    columns = dict.fromkeys(("n", "solved"), INTEGER) | dict.fromkeys(names, NUMBER)
    return indexed(rows, {CONFIGURATION: INTEGER}, columns)


def cutoff_costs(
    steps: np.ndarray, solved: np.ndarray, n: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cutoffs at which a restart was solved, and the expected steps per solution there.

    Parameters
    ----------
    steps : ndarray, shape (k,), int
        Steps at which restarts ended.
    solved : ndarray, shape (k,), bool or int
        How many of them were solved.
    n : ndarray, shape (k,), int, optional
        How many restarts ended there; by default one.

    Returns
    -------
    cutoffs, costs : ndarray
        Between two cutoffs the cost only grows, so the best cutoff is one of these.
    """
    cutoffs, place = np.unique(steps, return_inverse=True)
    hits = np.bincount(place, solved)
    ended = np.bincount(place, n)
    left = ended.sum() - np.cumsum(ended)
    costs = np.cumsum(ended * cutoffs) + left * cutoffs
    some = hits > 0
    return cutoffs[some], costs[some] / np.cumsum(hits)[some]


def _restarts_99(p: float) -> float:
    """Restarts after which at least one is solved with probability 99%."""
    if p <= 0:
        return np.inf
    return 1.0 if p >= 1 else float(max(1, np.ceil(np.log(0.01) / np.log1p(-p))))


def _costs(tally: Tally, most: int) -> tuple[float, ...]:
    """budget_cost, best_cutoff, best_cost, checked_cost, luby_cost."""
    if not tally.n_solved:
        return (np.inf, np.nan, np.inf, np.inf, np.inf)
    steps, solved, ended = np.maximum(tally.steps, 1), tally.solved.sum(axis=1), tally.ended
    cutoffs, costs = cutoff_costs(steps, solved, ended)
    best = int(np.argmin(costs))
    hits, seen, sums = (np.concatenate([[0], np.cumsum(a)]) for a in (solved, ended, ended * steps))

    def success(length: int) -> float:
        return float(hits[np.searchsorted(steps, length, side="right")]) / tally.n

    def cost(length: int) -> float:
        before = np.searchsorted(steps, length, side="right")
        return float(sums[before] + (tally.n - seen[before]) * length) / tally.n

    return (
        float(sums[-1] / tally.n_solved),
        float(cutoffs[best]),
        float(costs[best]),
        _checked(steps, tally),
        luby.expected_cost(success, cost, most),
    )


def _checked(steps: np.ndarray, tally: Tally) -> float:
    """Cost on the odd restarts of the cutoff that is best on the even ones."""
    (even, odd), (rest_even, rest_odd) = tally.solved.T, tally.others.T
    if not even.any():
        return np.nan
    cutoffs, costs = cutoff_costs(steps, even, even + rest_even)
    cutoff = cutoffs[int(np.argmin(costs))]
    hits = odd[steps <= cutoff].sum()
    return float((np.minimum(steps, cutoff) * (odd + rest_odd)).sum() / hits) if hits else np.inf
