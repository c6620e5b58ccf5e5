"""Numbers and shares as a report writes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.errors.messages import count_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DRAWN_MOST = 1e100
"""Largest number that is drawn. With larger ones the margins, ticks and bars of Matplotlib
overflow; nobody can tell them apart on an axis anyway."""


def drawable(values: ArrayLike, least: float = -DRAWN_MOST) -> np.ndarray:
    """Return numbers as they are drawn: from ``least`` to `DRAWN_MOST`, nan if not finite."""
    numbers = np.asarray(values, np.float64)
    return np.where(np.isfinite(numbers), np.clip(numbers, least, DRAWN_MOST), np.nan)


def percent(share: float) -> str:
    """Return a share in percent, with as many digits as tell it from 0 and 100."""
    if math.isnan(share):
        return "unknown"
    if share in (0.0, 1.0) or 0.01 <= share <= 0.99:
        return f"{100 * share:.1f}%".replace(".0%", "%") if share in (0.0, 1.0) else f"{share:.1%}"
    return f"{100 * share:.3g}%" if share < 0.5 else f"{100 - 100 * (1 - share):.4g}%"


def number(value: Any) -> str:
    """Return a number for people: four digits, thousands separated; missing ones are empty."""
    value = math.nan if value is None else float(value)
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value.is_integer():
        return count_text(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
