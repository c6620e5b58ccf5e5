"""What configurations are called in a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.errors.messages import counted, printable

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_WIDTH = 40  # characters of a name from the experiment
_IN_TITLE = ("problem.gate", "problem.table", "network.hidden", "network.model")


def title(configuration: Configuration) -> str:
    """Name a configuration: its problem, its layers, and what else the grid sets."""
    parts = [f"{_short(configuration.table.name)} {_short(configuration.architecture.title)}"]
    for path, value in configuration.point.items():
        if path not in _IN_TITLE:
            text = _short(str(list(value) if isinstance(value, tuple) else value))
            parts.append(f"{path.rpartition('.')[2].replace('_', ' ')} {text}")
    return ", ".join(parts)


def axis_name(path: str) -> str:
    """Name an axis of the grid."""
    return "hidden units" if path == "network.hidden" else path.rpartition(".")[2].replace("_", " ")


def value_text(path: str, value: Any) -> str:
    """Name a configuration by its value of one axis."""
    if path in ("problem.gate", "problem.table", "network.model"):
        return _short(str(value))
    listed = list(value) if isinstance(value, tuple | list) else value
    if path == "network.hidden" and isinstance(listed, list) and len(listed) < 2:
        return counted(listed[0], "hidden unit") if listed else "no hidden units"
    return f"{axis_name(path)} {_short(str(listed))}"


def loss_name(configurations: Sequence[Configuration]) -> str:
    """Name the loss of some configurations, with its unit if they have one."""
    kinds = {(c.settings.loss.kind, c.settings.loss.reduction) for c in configurations}
    # A custom model makes its own, of which nothing is known.
    if len(kinds) > 1 or any(c.model is not None for c in configurations):
        return "loss"
    ((kind, reduction),) = kinds
    unit = {"cross-entropy": ", nats", "squared-error": ", squares"}.get(kind, "")
    return f"loss{unit} ({reduction})"


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def sampled(study: Study) -> str:
    """Return of which restarts a figure is that looks at them one by one."""
    if study.n_sampled == study.experiment.restarts:
        return "all restarts"
    return f"the first {counted(study.n_sampled, 'restart')} of each configuration"
