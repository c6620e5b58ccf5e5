"""How complete a map is: never proven by search, so what speaks for it and against it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.critical_points import CriticalPoint
from runner.mapping.eigenvector_following import ARRIVED, LEFT, UNFINISHED
from runner.mapping.worker import coercive, has_kinks
from runner.study.statistics.base import Z
from runner.study.statistics.discoveries import new_class_chance

ALL = -1
"""In place of an index: critical points of all of them."""


def rows(found: ConfigurationMap) -> Iterator[dict[str, Any]]:
    """Yield rows of the table of completeness: of all critical points, then index by index."""
    points = found.points.points
    for index in (ALL, *sorted({point.index for point in points})):
        chosen = [k for k, point in enumerate(points) if index in (ALL, point.index)]
        yield _row(found, index, chosen)


def _row(found: ConfigurationMap, index: int, chosen: list[int]) -> dict[str, Any]:
    points = [found.points.points[k] for k in chosen]
    firsts = [found.random_firsts[k] for k in chosen if k in found.random_firsts]
    latest = max((found.discoveries[k] for k in chosen), default=0)
    first, second, both = _halves(points)
    estimate, low, high = capture_recapture(first, second, both)
    images = [found.points.multiplicity(point) for point in points]
    return {
        "configuration": found.configuration.index,
        "index": index,
        "classes": len(points),
        "families": sum(point.is_family for point in points),
        "images": float(np.nansum(images)),
        "searches": found.searches,
        "arrived": found.statuses[ARRIVED],
        "left": found.statuses[LEFT],
        "unfinished": found.statuses[UNFINISHED],
        "unchanged": found.searches - latest,
        "done": found.unchanged >= found.options.unchanged,
        "chance_bound": new_class_chance(firsts, found.n_random),
        "first_half": first,
        "second_half": second,
        "both_halves": both,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "euler": euler(found, points, images) if index == ALL else np.nan,
    }


def _halves(points: list[CriticalPoint]) -> tuple[int, int, int]:
    """Points that the even random searches found, the odd ones, and both."""
    first, second = (sum(half in point.halves for point in points) for half in (0, 1))
    return first, second, sum(len(point.halves) == 2 for point in points)


def capture_recapture(first: int, second: int, both: int) -> tuple[float, float, float]:
    """Estimate how many points there are from how many two independent searches found.

    Returns
    -------
    estimate, low, high : float
        Chapman's estimate, and a 95% interval of the logarithm of the number that neither found.

    Notes
    -----
    Both searches find the same points more easily than others, so that the estimate is a lower one
    (Chapman 1951; the interval as in Chao 1987, Biometrics 43:783).

    Examples
    --------
    >>> capture_recapture(20, 15, 11)
    (27.0, 24.5..., 36.6...)
    """
    seen = first + second - both
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    unseen = estimate - seen
    if unseen <= 0:
        return estimate, float(seen), float(seen)
    variance: float = (first + 1) * (second + 1) * (first - both) * (second - both)
    variance /= (both + 1) ** 2 * (both + 2)
    factor = math.exp(Z * math.sqrt(math.log(1 + variance / unseen**2)))
    return estimate, seen + unseen / factor, seen + unseen * factor


_COUNTED = 2.0**53  # from there on floats are more than one apart


def euler(found: ConfigurationMap, points: list[CriticalPoint], images: list[float]) -> float:
    """Sum of (-1)^index over all images of all critical points; nan where it need not be 1.

    So it is where images are too many for a float to count one by one.

    Notes
    -----
    Where a smooth loss grows without bound in all directions and no critical point is degenerate,
    the sum is 1 whatever the loss is (Morse theory: the Euler characteristic of space). A sum that
    is not 1 proves that points are missing; they cannot show in it if they are missing in pairs.
    """
    kinks, grows = has_kinks(found.configuration), coercive(found.configuration)
    many = sum(images) >= _COUNTED
    if kinks or not grows or many or any(point.is_family for point in points):
        return np.nan
    signs = [(-1.0) ** point.index for point in points]
    return float(np.dot(signs, images)) if points else np.nan
