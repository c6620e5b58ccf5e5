"""A study as a notebook shows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from html import escape
from typing import Protocol

import numpy as np
import pandas as pd

from runner.experiment.notebook import html_table
from runner.experiment.plan import Plan
from runner.lazy import accessor

_MOST_READ = 2**21  # restarts that are read to show a study; of larger ones the log tells


class Figures(Protocol):
    """What draws a study: each method a figure, of which it returns the panels' axes."""

    def __getattr__(self, name: str, /) -> Callable[..., np.ndarray]: ...


class NotebookProperties(ABC):
    """What `runner.study.study.Study` offers to a notebook, and to whoever draws."""

    @property
    @abstractmethod
    def plan(self) -> Plan:
        """What was to be done."""

    @property
    @abstractmethod
    def n_done(self) -> int:
        """Restarts that are trained or have failed for good."""

    @property
    @abstractmethod
    def configurations(self) -> pd.DataFrame:
        """One row per configuration."""

    @property
    @abstractmethod
    def trained(self) -> pd.Series[int]:
        """Restarts of each configuration that are trained."""

    @property
    @abstractmethod
    def summary(self) -> pd.DataFrame:
        """One row per configuration: how its restarts ended."""

    @property
    def plot(self) -> Figures:
        """The report's figures as Matplotlib axes: `study.plot.success()` and others.

        See `runner.report.plots.Plots`.
        """
        figures: Figures = accessor("plot", self)
        return figures

    def _repr_html_(self) -> str:
        """Return how far a study is, and how its configurations ended."""
        name = escape(self.plan.experiment.name)
        head = f"<p><b>Study {name}</b>: {self.n_done:,} of {self.plan.n_restarts:,} restarts</p>"
        points = self.configurations[list(self.plan.experiment.axes)]
        columns = ["configuration", *points.columns, "restarts"]
        if self.n_done > _MOST_READ:
            rows = ([*row, n] for row, n in zip(points.itertuples(), self.trained, strict=True))
            return head + html_table(columns, rows, len(points))
        table = self.summary[["n", "success_rate", "ci_low", "ci_high", "loss_median"]]
        cells = (
            [*point, f"{n:,}", *(f"{share:.1%}" for share in shares), f"{loss:.4g}"]
            for point, (n, *shares, loss) in zip(
                points.itertuples(), table.itertuples(index=False), strict=True
            )
        )
        heads = [*columns, "solved", "95% from", "to", "median loss"]
        return head + html_table(heads, cells, len(points))
