"""Final losses by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from runner.study.statistics.base import CONFIGURATION, counted, indexed, quantile
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.tally import Tallies


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
    owner = sample.index.get_level_values(CONFIGURATION)
    groups: Any = sample.groupby([owner, sample["label"].astype(str)])["loss"]
    quantiles = [quantile(groups, q) for q in (0.05, 0.5, 0.95)]
    rows = []
    for configuration, tally in counted(plan, tallies):
        for label in (label for label in LABELS if label in tally.labels):
            n, least, most = tally.labels[label]
            key = (configuration.index, label)
            middle = [q.get(key, np.nan) for q in quantiles]
            rows.append((*key, n, n / tally.n, least, *middle, most))
    columns = ["n", "share", "minimum", "q05", "median", "q95", "maximum"]
    return indexed(rows, [CONFIGURATION, "label"], columns)
