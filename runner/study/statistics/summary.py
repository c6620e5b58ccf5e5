"""One row per configuration: how its restarts ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.study.restart_tallies import step_quantiles
from runner.study.statistics.base import group_quantiles
from runner.study.statistics.proportions import Proportion, proportion
from runner.training.labels import LABELS

if TYPE_CHECKING:
    import pandas as pd

    from runner.experiment.plan import Plan
    from runner.study.overview import Overview

QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
"""Quantiles in the summary, by the ending of their columns."""


def summary(plan: Plan, found: Overview) -> dict[str, np.ndarray]:
    """Return counts, success rate and quantiles of each configuration.

    Parameters
    ----------
    plan : Plan
    found : Overview

    Returns
    -------
    dict of str to ndarray, shape (n_configurations,)
        The columns after the grid's, as in `runner.study.study.Study.summary`, without pandas,
        which takes longer to load than a table to print.
    """
    n_configurations = len(plan.configurations)
    counts = np.zeros((len(LABELS), n_configurations), np.int64)
    for owner, tally in found.tallies.items():
        for label, (n, _, _) in tally.labels.items():
            counts[LABELS.index(label), owner] = n
    solved, n = counts[LABELS.index("solved")], counts.sum(axis=0)
    columns = {"n": n, "solved": solved} | _rates(plan, solved, n)
    columns |= dict(zip(LABELS[1:], counts[1:], strict=True))
    shares = list(QUANTILES.values())
    losses = group_quantiles(found.owner, found.loss, shares, n_configurations)
    steps = np.full((n_configurations, len(shares)), np.nan)
    for owner, row in step_quantiles(found.tallies, shares).items():
        steps[owner] = row
    for what, table in (("loss", losses), ("steps", steps)):
        columns |= {f"{what}_{name}": table[:, k] for k, name in enumerate(QUANTILES)}
    judged = found.judged
    columns["rows_right_mean"] = _mean(found.owner, judged.right, n_configurations)
    if found.has_held:
        held = group_quantiles(found.owner, judged.held_loss, [0.5], n_configurations)
        columns["held_out_loss_median"] = held[:, 0]
        right = _mean(found.owner, judged.held_right, n_configurations)
        columns["held_out_rows_right_mean"] = right
    return columns


def none_solved_text(plan: Plan, columns: Mapping[str, Any] | pd.DataFrame) -> str:
    """Say what solved asks for, and how near restarts come on average, where none is solved.

    Parameters
    ----------
    plan : Plan
    columns : mapping of str to ndarray, shape (n_configurations,), or DataFrame
        Those of `summary`.

    Returns
    -------
    str
        Empty where one is solved, where none was trained or judged row by row, or where not the
        rows but the loss says what is solved.
    """
    trained = [c for c in plan.configurations if columns["n"][c.index]]
    means = [float(columns["rows_right_mean"][c.index]) for c in trained]
    by_rows = all(c.settings.solved_by != "loss" for c in trained)
    if not means or sum(columns["solved"]) or not by_rows or not np.isfinite(means).all():
        return ""
    rows = {c.table.n_patterns for c in trained}
    all_rows = f"all {rows.pop():,} rows" if len(rows) == 1 else "all rows of its table"
    # a tenth less rather than more: 149.97 of 150 is not 150
    ends = [f"{math.floor(10 * mean) / 10:,.1f}" for mean in (min(means), max(means))]
    right = " to ".join(dict.fromkeys(ends))
    by = ", by configuration" if ends[0] != ends[1] else ""
    return f"Solved is a restart that answers {all_rows} right; on average {right} are right{by}."


def _rates(plan: Plan, solved: np.ndarray, n: np.ndarray) -> dict[str, np.ndarray]:
    """Return the share solved of each configuration, and its interval where starts are random."""
    known: dict[tuple[int, int], Proportion] = {}
    pairs = list(zip(solved.tolist(), n.tolist(), strict=True))
    for pair in pairs:  # many configurations have few different counts
        if pair not in known:
            known[pair] = proportion(*pair)
    rate, low, high = np.array([known[pair] for pair in pairs]).T
    on_grid = [c.settings.init.slice is not None for c in plan.configurations]
    low[on_grid] = high[on_grid] = np.nan
    return {"success_rate": rate, "ci_low": low, "ci_high": high}


def _mean(owner: np.ndarray, counts: np.ndarray, n: int) -> np.ndarray:
    """Return the mean count of each owner, NaN where one is not known.

    Those that are known alone are no sample: they are the solved ones.
    """
    unknown = np.bincount(owner, counts < 0, n)
    size = np.bincount(owner, minlength=n)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(owner, counts, n) / size
    return np.where(unknown == 0, mean, np.nan)
