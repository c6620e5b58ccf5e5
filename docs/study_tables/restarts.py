"""When to give up and start again: cutoffs, and Luby, Sinclair and Zuckerman's schedule."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from runner.study.statistics.luby import run_lengths
from runner.study.study import Study
from study_tables.base import markdown, only, percent
from study_tables.widths import MOMENTUM, RATE, WIDTH

WIDTHS = (0.1, 0.3, 0.5, 1.0, 2.0, 4.0, 10.0)
SIMULATED = 4000
SEED = 1993


def strategies_table(studies: Mapping[str, Study]) -> str:
    """Expected epochs per solution, of the cells of rate 1 and momentum 0.9."""
    rows = []
    for width, cell in _cells(only(studies)).iterrows():
        share = percent(cell["solved"] / cell["n"])
        names = ("budget_cost", "best_cost", "checked_cost", "luby_cost")
        costs = [f"{cell[name]:,.0f}" for name in names]
        ratio = f"{cell['luby_cost'] / cell['checked_cost']:.1f}"
        log = f"{np.log2(cell['checked_cost']):.1f}"
        rows.append((f"{width:g}", share, f"{cell['best_cutoff']:,.0f}", *costs, ratio, log))
    head = ("ρ", "solved", "best cutoff", "whole budget", "best cutoff's cost", "checked", "Luby")
    return markdown((*head, "Luby / checked", "log2 checked"), rows)


def strategies_range_table(studies: Mapping[str, Study]) -> str:
    """How the ratios of costs lie in all cells of a study."""
    costs = only(studies).strategies
    best = costs["checked_cost"]
    ratios = {
        "best cutoff's cost / checked": costs["best_cost"] / best,
        "whole budget / checked": costs["budget_cost"] / best,
        "Luby / checked": costs["luby_cost"] / best,
        "Luby / checked, by log2 checked": costs["luby_cost"] / best / np.log2(best),
        "Luby / whole budget": costs["luby_cost"] / costs["budget_cost"],
    }
    rows = [
        (name, *(f"{q:.2f}" for q in np.quantile(ratio, [0, 0.25, 0.5, 0.75, 1])))
        for name, ratio in ratios.items()
    ]
    return markdown(("", "least", "a quarter below", "half below", "three quarters", "most"), rows)


def simulated_table(studies: Mapping[str, Study]) -> str:
    """The schedule followed run by run, with restarts drawn from those that were measured."""
    study, rows = only(studies), []
    rng = np.random.default_rng(SEED)
    for width, cell in _cells(study).iterrows():
        own = study.restarts.loc[int(cell["configuration"])]
        costs = simulated(own["steps"].to_numpy(), own["solved"].to_numpy(), rng)
        error = costs.std() / np.sqrt(len(costs))
        quantiles = [f"{q:,.0f}" for q in np.quantile(costs, [0.5, 0.95])]
        told = (f"{cell['luby_cost']:,.0f}", f"{costs.mean():,.0f} ± {2 * error:,.0f}")
        rows.append((f"{width:g}", *told, *quantiles))
    return markdown(("ρ", "Luby, computed", "followed", "half within", "95% within"), rows)


def simulated(steps: np.ndarray, solved: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Epochs until the first solution, of `SIMULATED` who follow the schedule.

    Parameters
    ----------
    steps, solved : ndarray (n,)
        Steps at which measured restarts ended, and whether they were solved then.
    rng : numpy.random.Generator
        Draws the restarts, anew for every run of the schedule.

    Returns
    -------
    ndarray (SIMULATED,)
    """
    most, times = int(steps.max()), np.maximum(steps, 1)
    costs, going = np.zeros(SIMULATED), np.arange(SIMULATED)
    lengths = np.minimum(run_lengths(2**17), most)
    for length in lengths:
        drawn = rng.integers(len(times), size=len(going))
        costs[going] += np.minimum(times[drawn], length)
        going = going[~(solved[drawn] & (times[drawn] <= length))]
        if not len(going):
            return costs
    raise RuntimeError(f"{len(going)} of {SIMULATED} are without a solution")


def _cells(study: Study) -> pd.DataFrame:
    """Rows of `strategies` at rate 1 and momentum 0.9, by width; with the configuration."""
    points = study.configurations[[RATE, MOMENTUM, WIDTH]].astype(float)
    cells = points.join(study.strategies).reset_index()
    cells = cells[np.isclose(cells[RATE], 1) & np.isclose(cells[MOMENTUM], 0.9)].set_index(WIDTH)
    places = [int(np.argmin(np.abs(cells.index.to_numpy() - width))) for width in WIDTHS]
    return cells.iloc[places]
