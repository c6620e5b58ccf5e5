"""Numbers and shares as a report writes them."""

from __future__ import annotations

import math
from typing import Any


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
