"""How far an analysis is, for a callback to show while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class AnalysisProgress:
    """How far an analysis is."""

    stage: str
    """``endpoints`` or ``pairs``: what is looked at."""
    done: int
    """How many of them."""
    total: int
    """Of how many."""
    before: int
    """How many were done before this run."""
    workers: int = 0
    """Workers now."""
    elapsed_s: float = 0.0
    """Seconds since this stage began."""
    time_left_s: float | None = None
    """Seconds that the stage still takes, by what each group's rows have taken; None as long as
    nothing is known of most groups."""


AnalysisProgressCallback = Callable[[AnalysisProgress], None]
