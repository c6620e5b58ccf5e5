"""Experiments as notebooks show them: HTML, each text from an experiment escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Protocol

from runner.errors.messages import counted
from runner.experiment.fields.sections import SECTIONS

MOST_ROWS = 20
"""Rows of a table in a notebook."""


def html_table(heads: Sequence[str], rows: Iterable[Sequence[object]], n_rows: int) -> str:
    """Return a table of at most `MOST_ROWS` rows, and a line on how many there are."""
    shown = [row for row, _ in zip(rows, range(MOST_ROWS), strict=False)]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in shown
    )
    left_out = f"<p>The first {len(shown)} of {n_rows:,}.</p>" if n_rows > len(shown) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left_out}"


class Shown(Protocol):
    """What is shown of an experiment, besides its sections."""

    @property
    def name(self) -> str:
        """Name of the study."""

    @property
    def seed(self) -> int:
        """Root of all random numbers."""

    @property
    def restarts(self) -> int:
        """Of each configuration."""

    @property
    def grid(self) -> Mapping[str, Any]:
        """Values by dotted path."""


def experiment_html(experiment: Shown) -> str:
    """Return an experiment's name, its restarts, and what it sets."""
    rows = [
        (f"{section}.{field}", value)
        for section in SECTIONS
        for field, value in getattr(experiment, section).model_dump(mode="json").items()
        if field in getattr(experiment, section).model_fields_set
        and f"{section}.{field}" not in experiment.grid
    ]
    axes = [(path, ", ".join(map(str, values))) for path, values in experiment.grid.items()]
    restarts = counted(experiment.restarts, "restart")
    return (
        f"<p><b>Experiment {escape(experiment.name)}</b>: {restarts} of each configuration, seed "
        f"{experiment.seed}</p>" + html_table(("field", "value"), [*axes, *rows], len(axes + rows))
    )
