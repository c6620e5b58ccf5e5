"""What saddles join: the rows of the table of transitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.mapping.configuration_map import ConfigurationMap, PathEnd
from runner.mapping.critical_points import CriticalPoint
from runner.mapping.eigenvector_following import LEFT

SIDES = ("a", "b")
"""Names of a saddle's two sides: that of the lower end first."""


def by_side(ends: Sequence[PathEnd]) -> list[PathEnd]:
    """Return the ends of a saddle's paths in the order of `SIDES`."""
    return sorted(ends, key=lambda end: (end.loss, end.path_length))


def kind_of(point: CriticalPoint) -> str:
    """Name a critical point by its index: minimum, transition state or saddle; or family."""
    return kind_named(point.index, point.is_family)


def kind_named(index: int, is_family: bool) -> str:
    """Name a kind of critical point: see `kind_of`."""
    if is_family:
        return "family"
    return ("minimum", "transition state")[index] if index < 2 else "saddle"


def rows(found: ConfigurationMap, number: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """Yield rows of the table of transitions, by the class of the saddle.

    Parameters
    ----------
    found : ConfigurationMap
    number : mapping of int to int
        The class of each critical point by its position.
    """
    points = found.points.points
    for position, ends in sorted(found.paths.items(), key=lambda item: number[item[0]]):
        if len(ends) != 2:
            continue  # no worker could follow its paths
        point = points[position]
        row: dict[str, Any] = {
            "configuration": found.configuration.index,
            "class": number[position],
            "index": point.index,
            "loss": point.loss,
            "curvature": point.eigenvalues[0],
        }
        for side, end in zip(SIDES, by_side(ends), strict=True):
            row |= {
                f"end_{side}": _end(end, points),
                f"class_{side}": number[end.point] if end.point >= 0 else -1,
                f"loss_{side}": end.loss,
                f"height_{side}": point.loss - end.loss,
                f"path_length_{side}": end.path_length,
            }
        yield row


def end_named(status: str) -> str:
    """Name the end of a path that came to no critical point."""
    return "infinity" if status == LEFT else "unfinished"


def _end(end: PathEnd, points: Sequence[CriticalPoint]) -> str:
    return kind_of(points[end.point]) if end.point >= 0 else end_named(end.status)
