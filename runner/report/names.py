"""What configurations and numbers are called in a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from runner.errors.messages import counted, printable

if TYPE_CHECKING:
    import pandas as pd

    from runner.experiment.plan import Configuration
    from runner.study.tables import Study

_ROUNDING = 1e-9  # a rise of the loss that is none
_WIDTH = 40  # characters of a name from the experiment
_TOLD = ("problem.gate", "problem.table", "network.hidden", "network.model")


def title(configuration: Configuration) -> str:
    """Name a configuration: its problem, its layers, and what else the grid sets."""
    parts = [f"{_short(configuration.table.name)} {_short(configuration.architecture.title)}"]
    for path, value in configuration.point.items():
        if path not in _TOLD:
            text = _short(str(list(value) if isinstance(value, tuple) else value))
            parts.append(f"{path.rpartition('.')[2].replace('_', ' ')} {text}")
    return ", ".join(parts)


def drawn(configuration: Configuration) -> str:
    """Return `title` as Matplotlib takes it: a dollar sign is no mathematics."""
    return title(configuration).replace("$", r"\$")


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def sampled(study: Study) -> str:
    """Return of which restarts a figure is that looks at them one by one."""
    if study.n_sampled == study.experiment.restarts:
        return "all restarts"
    return f"the first {counted(study.n_sampled, 'restart')} of each configuration"


def percent(share: float) -> str:
    """Return a share in percent, with as many digits as tell it from 0 and 100."""
    if math.isnan(share):
        return "unknown"
    if share in (0.0, 1.0) or 0.01 <= share <= 0.99:
        return f"{100 * share:.1f}%".replace(".0%", "%") if share in (0.0, 1.0) else f"{share:.1%}"
    return f"{100 * share:.3g}%" if share < 0.5 else f"{100 - 100 * (1 - share):.4g}%"


def number(value: Any) -> str:
    """Return a number for people: four digits, thousands separated."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if float(value) == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def highest_rise(paths: pd.DataFrame) -> float:
    """Return how far the loss rises above the line between a path's ends; 0 for rounding."""
    highest = float(paths["excess"].max()) if len(paths) else 0.0
    return highest if highest > _ROUNDING else 0.0
