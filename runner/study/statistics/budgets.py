"""Success against step budget."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pandas as pd

from runner.study.statistics.base import (
    CONFIGURATION,
    INTEGER,
    NUMBER,
    TRUTH,
    counted,
    indexed,
    times_known,
)
from runner.study.statistics.proportions import proportion

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies


def budgets(plan: Plan, tallies: Tallies) -> pd.DataFrame:
    """Success against step budget.

    Returns
    -------
    DataFrame
        Index configuration and budget (steps). Where training does not stop when a restart is
        solved, the only budget is ``max_steps``.

    Columns
    -------
    n : int64 (restarts), trained
    solved : int64 (restarts), solved within the budget
    success_rate, ci_low, ci_high : float64, their share, with its 95% Wilson interval
    first_solved : bool, whether ``solved`` counts first solutions, and not those in the end

    Notes
    -----
    All budgets of a configuration are counted on the same restarts, so their intervals are not
    independent of each other.
    """
    rows = []
    for configuration, tally in counted(plan, tallies):
        training = configuration.settings.training
        known = times_known(configuration)
        solved = tally.solved.sum(axis=1)
        for budget in _ladder(training.max_steps) if known else [training.max_steps]:
            k = int(solved[tally.steps <= budget].sum())
            rows.append((configuration.index, budget, tally.n, k, *proportion(k, tally.n), known))
    columns = dict.fromkeys(("n", "solved"), INTEGER)
    columns |= dict.fromkeys(("success_rate", "ci_low", "ci_high"), NUMBER)
    index = dict.fromkeys((CONFIGURATION, "budget"), INTEGER)
    return indexed(rows, index, columns | {"first_solved": TRUTH})


def _ladder(most: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... up to and with ``most``."""
    rungs = (factor * 10**power for power in itertools.count() for factor in (1, 2, 5))
    return [*itertools.takewhile(lambda rung: rung < most, rungs), most]
