"""One row per configuration: how its restarts ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from runner.study.statistics.base import CONFIGURATION, quantile
from runner.study.statistics.proportions import proportion
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.study.tally import Tallies

QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}
"""Quantiles in the summary, by the ending of their columns."""


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
    rates = [proportion(k, n) for k, n in zip(labels["solved"], table["n"], strict=True)]
    table[["success_rate", "ci_low", "ci_high"]] = rates
    table[list(LABELS[1:])] = labels[list(LABELS[1:])]
    losses = sample.groupby(level=CONFIGURATION)["loss"]
    for name, part in QUANTILES.items():
        table[f"loss_{name}"] = quantile(losses, part)
    for name, part in QUANTILES.items():
        steps = {configuration: tally.quantile(part) for configuration, tally in tallies.items()}
        table[f"steps_{name}"] = pd.Series(steps, dtype=float)
    return table
