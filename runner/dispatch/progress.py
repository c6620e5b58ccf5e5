"""How far a sweep is, for a callback to show while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Progress:
    """How far a sweep is; reported after batches that came back together, and once a second."""

    restarts: int
    """Restarts of the whole plan."""
    done: int
    """Restarts that are committed, those of earlier runs included."""
    before: int
    """Restarts that were committed before this run."""
    failed: int = 0
    """Restarts of this run that could not be trained."""
    restart_steps: int = 0
    """Steps of all restarts of this run."""
    solved: dict[int, list[int]] = field(default_factory=dict)
    """Solved restarts and restarts seen in this run, by configuration; the one of which something
    was trained last is last."""
    workers: int = 0
    """Workers now, of all kinds."""
    gpus: int = 0
    """Workers among them that offer a GPU."""
    elapsed_s: float = 0.0
    """Seconds since this run began."""
    dashboard: str = ""
    """Address of Dask's dashboard."""
    time_left_s: float | None = None
    """Seconds that the run still takes, by what each group's batches have cost; None as long as
    nothing is known of most groups."""


ProgressCallback = Callable[[Progress], None]
