"""Axes of the grid whose values have an order, and how they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.report.names import axis_name, value_text

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration

_FEWEST = 3  # values of an axis that is drawn as one; two are compared side by side


@dataclass(frozen=True)
class GridAxis:
    """An axis of the grid whose values are numbers."""

    path: str
    """Its dotted path."""
    numbers: dict[int, float]
    """Its value by configuration, at least three different ones; of hidden units their number."""

    @property
    def name(self) -> str:
        """What it is called."""
        return axis_name(self.path)

    @property
    def values(self) -> list[float]:
        """Its values, the lowest first."""
        return sorted(set(self.numbers.values()))

    @property
    def logarithmic(self) -> bool:
        """Whether its steps are more alike as factors than as differences."""
        values = np.array(self.values)
        if values[0] <= 0:
            return False
        return _unevenness(np.log(values)) < _unevenness(values)

    def places(self, numbers: Iterable[float]) -> np.ndarray:
        """Return where numbers lie on an axis of equal steps."""
        values = np.array(list(numbers), np.float64)
        return np.log10(values) if self.logarithmic else values


def ordered_axes(configurations: Sequence[Configuration]) -> list[GridAxis]:
    """Return the axes with at least three ordered values, those with most values first.

    Of axes that vary together the first one stands for all.
    """
    found: list[GridAxis] = []
    if not configurations:
        return found
    for path in configurations[0].point:
        numbers = numbers_of(configurations, path)
        if numbers is None or len(set(numbers.values())) < _FEWEST:
            continue
        if not any(_together(numbers, other.numbers) for other in found):
            found.append(GridAxis(path, numbers))
    return sorted(found, key=lambda axis: -len(axis.values))


def numbers_of(configurations: Sequence[Configuration], path: str) -> dict[int, float] | None:
    """Return the values of a field as numbers, by configuration; None if they are not numbers."""
    numbers = {c.index: _number(c.point.get(path)) for c in configurations}
    known = {index: x for index, x in numbers.items() if x is not None}
    return known if len(known) == len(numbers) else None


def alike_but_for(
    configurations: Sequence[Configuration], axes: Sequence[GridAxis]
) -> list[tuple[str, list[Configuration]]]:
    """Return the configurations that differ in these axes alone, with what they have in common."""
    paths = [p for p in configurations[0].point if not _follows(p, axes, configurations)]
    alike: dict[str, list[Configuration]] = {}
    for c in configurations:
        rest = ", ".join(value_text(path, c.point[path]) for path in paths)
        alike.setdefault(rest, []).append(c)
    places = [_places(configurations, path) for path in paths]
    first = {rest: tuple(each[of[0].index] for each in places) for rest, of in alike.items()}
    return sorted(alike.items(), key=lambda each: first[each[0]])


def _places(configurations: Sequence[Configuration], path: str) -> dict[int, float]:
    """Return where values of a field stand among each other: as numbers, or as they come first."""
    numbers = numbers_of(configurations, path)
    if numbers is not None:
        return numbers
    order: dict[str, float] = {}
    return {c.index: order.setdefault(str(c.point[path]), len(order)) for c in configurations}


def _follows(path: str, axes: Sequence[GridAxis], configurations: Sequence[Configuration]) -> bool:
    """Whether a field is one of some axes, or varies together with one."""
    texts = {c.index: str(c.point[path]) for c in configurations}
    return any(path == axis.path or _together(axis.numbers, texts) for axis in axes)


def _together(a: dict[int, Any], b: dict[int, Any]) -> bool:
    pairs = {(a[index], b[index]) for index in a}
    return len(pairs) == len(set(a.values())) == len(set(b.values()))


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list | tuple) and len(value) <= 1:  # units of one hidden layer
        if value and not isinstance(value[0], int):
            return None
        return float(value[0]) if value else 0.0
    return None


def _unevenness(values: np.ndarray) -> float:
    steps = np.diff(values)
    return float(steps.std() / steps.mean())
