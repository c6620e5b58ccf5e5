"""What configurations are called in a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
