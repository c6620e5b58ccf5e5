"""A plan as a notebook shows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from html import escape

from runner.errors.messages import counted
from runner.experiment.configuration import Configuration
from runner.experiment.experiment import Experiment
from runner.experiment.notebook import html_table


class NotebookPlan(ABC):
    """What `runner.experiment.plan.Plan` offers to a notebook."""

    experiment: Experiment
    """What was asked."""
    engine: str
    """What compiles."""

    @property
    @abstractmethod
    def configurations(self) -> Sequence[Configuration]:
        """Every configuration."""

    @property
    @abstractmethod
    def n_restarts(self) -> int:
        """Restarts of all configurations."""

    @property
    @abstractmethod
    def n_batches(self) -> int:
        """Batches of all rounds."""

    def _repr_html_(self) -> str:
        """Return how much the plan is, and its configurations."""
        axes = self.experiment.axes
        n = len(self.configurations)
        rows = (
            [c.index, *(c.point[path] for path in axes), c.architecture.title, c.table.name, c.id]
            for c in self.configurations
        )
        return (
            f"<p><b>Plan of {escape(self.experiment.name)}</b>: {counted(n, 'configuration')}, "
            f"{counted(self.n_restarts, 'restart')} in "
            f"{counted(self.n_batches, 'batch', 'batches')}, engine {escape(self.engine)}</p>"
            + html_table(("configuration", *axes, "network", "problem", "id"), rows, n)
        )
