"""How far a map is, for a callback to show while it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class MapProgress:
    """How far a map is; reported at least once a second while workers are at it."""

    searches: int
    """Searches that are done, of all configurations together."""
    minima: int
    """Known classes of minima."""
    transition_states: int
    """Known classes of critical points of index 1."""
    points: int
    """Known critical points in all."""
    done: int
    """Configurations that are done."""
    configurations: int
    """Of how many."""
    workers: int = 0
    """Workers now."""
    elapsed_s: float = 0.0
    """Seconds since the map was begun or taken up again."""


MapProgressCallback = Callable[[MapProgress], None]
