"""One row per configuration: how its restarts ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from runner.study.restart_tallies import step_quantiles
from runner.study.statistics.base import CONFIGURATION, group_quantiles
from runner.study.statistics.proportions import Proportion, proportion
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.study.restart_tallies import Tallies

QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
"""Quantiles in the summary, by the ending of their columns."""

_OF_ROWS = {"rows_right": "mean", "held_out_loss": "median", "held_out_rows_right": "mean"}


def summary(points: pd.DataFrame, tallies: Tallies, sample: pd.DataFrame) -> pd.DataFrame:
    """Return counts, success rate and quantiles of each configuration.

    Parameters
    ----------
    points : DataFrame
        A row per configuration, with the grid's columns, which the summary begins with.
    tallies, sample
        See `runner.study.statistics.base`.

    Returns
    -------
    DataFrame
        The rows of ``points``; columns as in `runner.study.study.Study.summary`.
    """
    table = points.copy()
    counts = {
        configuration: {label: tally.labels[label][0] for label in tally.labels}
        for configuration, tally in tallies.items()
    }
    labels = pd.DataFrame.from_dict(counts, orient="index", dtype=float)
    labels = labels.reindex(index=table.index, columns=list(LABELS)).fillna(0).astype("int64")
    table["n"] = labels.sum(axis="columns")
    table["solved"] = labels["solved"]
    known: dict[tuple[int, int], Proportion] = {}
    pairs = list(zip(labels["solved"].tolist(), table["n"].tolist(), strict=True))
    for pair in pairs:  # many configurations have few different counts
        if pair not in known:
            known[pair] = proportion(*pair)
    rates = zip(*(known[pair] for pair in pairs), strict=True)
    for name, column in zip(("success_rate", "ci_low", "ci_high"), rates, strict=True):
        table[name] = column
    table[list(LABELS[1:])] = labels[list(LABELS[1:])]
    owner, shares = sample.index.get_level_values(CONFIGURATION).to_numpy(), [*QUANTILES.values()]
    losses = group_quantiles(owner, sample["loss"].to_numpy(), shares, len(table))
    table[[f"loss_{name}" for name in QUANTILES]] = losses
    steps = step_quantiles(tallies, shares)
    for place, name in enumerate(QUANTILES):
        table[f"steps_{name}"] = pd.Series({c: row[place] for c, row in steps.items()}, dtype=float)
    for name, what in _OF_ROWS.items():
        if name in sample:
            groups = sample.groupby(level=CONFIGURATION)[name]
            found = groups.agg(what)
            if what == "mean":  # those that are known alone are no sample: they are the solved ones
                found = found.where(groups.count() == groups.size())
            table[f"{name}_{what}"] = found.astype(float)
    return table
