"""The numbers and words of success that its figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from runner.report.names import title
from runner.report.numbers import percent
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


def success_data(study: Study, configurations: Sequence[Configuration]) -> pd.DataFrame:
    """Return the rows of the summary that a figure shows."""
    columns = [*study.experiment.axes, "n", "success_rate", "ci_low", "ci_high", *LABELS]
    rows = study.summary.loc[[c.index for c in configurations]]
    return rows.reset_index()[["configuration", *columns]]


def success_text(study: Study, c: Configuration) -> str:
    """Say how many restarts of a configuration are solved."""
    row = study.summary.iloc[c.index]
    if not row["n"]:
        return f"{title(c)}: nothing trained yet"
    low, high = percent(row["ci_low"]), percent(row["ci_high"])
    return (
        f"{title(c)}: {percent(row['success_rate'])} of {int(row['n']):,} solved, 95% interval "
        f"{low} to {high}"
    )
