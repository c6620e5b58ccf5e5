"""Final losses by label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from runner.study.statistics.base import (
    CONFIGURATION,
    INTEGER,
    NUMBER,
    TEXT,
    counted,
    group_quantiles,
    indexed,
)
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies


def losses(plan: Plan, tallies: Tallies, sample: pd.DataFrame) -> pd.DataFrame:
    """Final losses by label.

    Returns
    -------
    DataFrame
        Index configuration and label.

    Columns
    -------
    n : int64 (restarts), with this label
    share : float64, of the configuration's restarts
    minimum : float64 (loss), of all restarts
    q05, median, q95 : float64 (loss), quantiles of `Study.sample`; missing where a label is not
        in it
    maximum : float64 (loss), of all restarts
    """
    owner = sample.index.get_level_values(CONFIGURATION).to_numpy()
    label_of = pd.Categorical(sample["label"], categories=LABELS).codes
    n_groups = len(plan.configurations) * len(LABELS)
    group, values = owner * len(LABELS) + label_of, sample["loss"].to_numpy()
    quantiles = group_quantiles(group, values, (0.05, 0.5, 0.95), n_groups)
    rows = []
    for configuration, tally in counted(plan, tallies):
        for label in (label for label in LABELS if label in tally.labels):
            n, least, most = tally.labels[label]
            middle = quantiles[configuration.index * len(LABELS) + LABELS.index(label)].tolist()
            rows.append((configuration.index, label, n, n / tally.n, least, *middle, most))
    names = ("share", "minimum", "q05", "median", "q95", "maximum")
    index = {CONFIGURATION: INTEGER, "label": TEXT}
    return indexed(rows, index, {"n": INTEGER} | dict.fromkeys(names, NUMBER))
