"""How the time to learn parity grows with the number of inputs: Tesauro and Janssens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import statsmodels.api as sm

from runner.study.study import Study
from study_tables.base import markdown, only, percent
from study_tables.widths import MOMENTUM, RATE, WIDTH

GATE = "problem.gate"
COSTS = {
    "median of the solved": "median",
    "whole budget's cost": "budget_cost",
    "best cutoff's cost": "checked_cost",
}


def tuned_table(studies: Mapping[str, Study]) -> str:
    """The setting of least cost for each number of inputs, and the next best."""
    study = only(studies)
    costs = study.configurations.join(study.strategies)
    rows = []
    for gate, own in costs.groupby(GATE, observed=True):
        first, second = (row for _, row in own.sort_values("best_cost").head(2).iterrows())
        both = [
            (f"{row[RATE]:g}, {row[MOMENTUM]:g}, ±{row[WIDTH]:g}", f"{row['best_cost']:,.0f}")
            for row in (first, second)
        ]
        rows.append((str(gate), f"{len(own)}", *both[0], *both[1]))
    head = ("problem", "settings", "best: rate, momentum, starts", "cost", "next", "cost")
    return markdown(head, rows)


def parity_table(studies: Mapping[str, Study]) -> str:
    """Times in epochs, at one setting for each number of inputs."""
    rows = []
    for n, row in times(only(studies)).iterrows():
        setting = f"{row[RATE]:g}, {row[MOMENTUM]:g}, ±{row[WIDTH]:g}"
        cells = [f"{row[name]:,.0f}" for name in COSTS.values()]
        rows.append((f"{n}", setting, f"{row['n']:,}", percent(row["solved"] / row["n"]), *cells))
    head = ("inputs", "rate, momentum, starts", "restarts", "solved", *COSTS)
    return markdown(head, rows)


def growth_table(studies: Mapping[str, Study]) -> str:
    """Factor by which times grow with each further input, from a line through their logarithms."""
    table = times(only(studies))
    rows = []
    for name, column in COSTS.items():
        for unit, patterns in (("epochs", 1.0), ("presentations", 2.0)):
            cells = _growth(table.index.to_numpy(), table[column].to_numpy(), patterns)
            rows.append((name, unit, *cells))
    return markdown(("time", "in", "factor", "95% interval", "4 within"), rows)


def _growth(inputs: np.ndarray, epochs: np.ndarray, patterns: float) -> tuple[str, str, str]:
    """The factor and its interval, of times that are known."""
    known = np.isfinite(epochs)
    if known.sum() < 3:
        return "", "", ""
    x = inputs[known].astype(float)
    fit = sm.OLS(np.log(epochs[known] * patterns**x), sm.add_constant(x)).fit()
    low, high = np.exp(fit.conf_int()[1])
    within = "yes" if low <= 4 <= high else "no"
    return f"{np.exp(fit.params[1]):.2f}", f"{low:.2f}-{high:.2f}", within


def times(study: Study) -> pd.DataFrame:
    """Settings and times of a study with one configuration for each number of inputs."""
    frame = study.configurations.join(study.strategies)
    solved = study.restarts.query("solved").groupby("configuration")["steps"]
    frame["median"] = solved.median()
    frame.index = pd.Index([int(str(gate).partition("-")[2]) for gate in frame[GATE]])
    return frame.astype({RATE: float, MOMENTUM: float, WIDTH: float})
