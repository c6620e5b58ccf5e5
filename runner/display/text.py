"""Numbers, durations and points of a grid as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def quantity(number: float) -> str:
    """Return a number with a letter for its thousands: 1.2 k, 3.4 M, 5.6 G."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.1f} {letter}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """Return a duration: 12 s, 3 min 20 s, 5 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def point_text(point: Mapping[str, Any]) -> str:
    """Return a point of the grid: the last parts of its paths, and its values."""
    parts = []
    for path, value in point.items():
        text = list(value) if isinstance(value, tuple) else value
        text = "nothing" if value is None else text  # as messages say it; None is Python's
        parts.append(f"{path.rpartition('.')[2]} {text}")
    return ", ".join(parts) or "the only one"


def unfinished_text(done: int, planned: int) -> str:
    """Return what has to be known of a study of which so many restarts are there; or nothing."""
    if done == planned:
        return ""
    return (
        f"Unfinished: {done:,} of {planned:,} restarts are trained, and everything here is of "
        "these alone. Run the same sweep again to continue."
    )
