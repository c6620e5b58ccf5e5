"""How precisely a study knows its configurations, also if one looked again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.study.statistics.anytime import HALF_WIDTH, anytime
from runner.study.statistics.base import (
    CONFIGURATION,
    INTEGER,
    NUMBER,
    counted,
    indexed,
    times_known,
)
from runner.study.statistics.proportions import proportion
from runner.study.statistics.quantiles import Quantile, anytime_quantile

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies, Tally


def made_for(plan: Plan) -> float:
    """Return the half-width that a study's intervals are made for.

    It is the first that was asked for, whatever has been asked since: intervals that were made for
    another after restarts were seen would not hold at all their numbers.
    """
    found = HALF_WIDTH
    each: Plan | None = plan
    while each is not None:
        found = min(each.until.get("success_rate", found), 0.5)
        each = each.before
    return found


def precision(plan: Plan, tallies: Tallies) -> pd.DataFrame:
    """Return success with both intervals, and the median time to solution.

    Returns
    -------
    DataFrame
        Index configuration, a row each. No intervals for starts on a grid, which are no random
        sample.

    Columns
    -------
    n, solved : int64 (restarts), trained, and solved
    success_rate : float64, the share solved
    ci_low, ci_high : float64, its 95% interval for a number of restarts that was fixed before
        (Wilson 1927)
    anytime_low, anytime_high : float64, its 95% interval that holds at all numbers of restarts at
        once (`runner.study.statistics.anytime`)
    half_width : float64, half the width of the latter
    time_median, time_low, time_high : float64 (steps), within which half of all restarts are
        solved, with an interval of the latter kind; infinite where fewer are or may be; missing
        where times to solution are not known
    """
    half_width, found = made_for(plan), [*counted(plan, tallies)]
    always = anytime([t.n_solved for _, t in found], [t.n for _, t in found], half_width)
    ends = np.c_[always.low, always.high, always.half_width]
    rows = []
    for (configuration, tally), of_this in zip(found, ends, strict=True):
        fixed = proportion(tally.n_solved, tally.n)
        time = Quantile(np.nan, np.nan, np.nan)
        if times_known(configuration):
            time = _median_time(tally, half_width)
        intervals = [fixed.low, fixed.high, *of_this, *time]
        if configuration.settings.init.slice is not None:
            intervals = [np.nan] * len(intervals)
        rows.append((configuration.index, tally.n, tally.n_solved, fixed.estimate, *intervals))
    names = ["success_rate", "ci_low", "ci_high", "anytime_low", "anytime_high"]
    names += ["half_width", "time_median", "time_low", "time_high"]
    columns = dict.fromkeys(("n", "solved"), INTEGER) | dict.fromkeys(names, NUMBER)
    return indexed(rows, {CONFIGURATION: INTEGER}, columns)


def _median_time(tally: Tally, half_width: float) -> Quantile:
    solved = tally.solved.sum(axis=1)
    steps = np.append(tally.steps[solved > 0], np.inf)
    counts = np.append(solved[solved > 0], tally.n - tally.n_solved)
    return anytime_quantile(steps, counts, 0.5, half_width)
