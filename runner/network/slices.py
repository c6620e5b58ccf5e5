"""Slices: starts on a grid over two weights, all others fixed.

A slice shows which starts lead where, as Kolen and Pollack (1990) did. Its text form is that of the
experiment file and of the command line: ``W1[0,0]=-10:10:200`` is 200 values from -10 to 10, both
ends included, and ``b1[0]=0.6`` is a fixed weight.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["MAX_POINTS", "Axis", "Slice", "fixed_weights", "parse_axis", "parse_weight"]

MAX_POINTS = 10_000
"""Largest number of points of one axis."""

_NAME = r"\s*([A-Za-z]\w*\[\d+(?:,\s*\d+)?\])\s*"
_NUMBER = r"\s*([-+]?[0-9.][-+0-9.eE]*)\s*"
_AXIS = re.compile(rf"{_NAME}={_NUMBER}:{_NUMBER}:\s*(\d+)\s*", re.ASCII)
_WEIGHT = re.compile(rf"{_NAME}={_NUMBER}", re.ASCII)


@dataclass(frozen=True)
class Axis:
    """One weight and the values that it starts from."""

    name: str
    """The weight's column in `Study.weights`."""
    low: float
    """First value."""
    high: float
    """Last value."""
    n: int
    """Number of values, evenly spaced."""

    def values(self) -> np.ndarray:
        """Return the values, shape (n,), float64."""
        return np.linspace(self.low, self.high, self.n)


@dataclass(frozen=True)
class Slice:
    """Starts on a grid: restart k has value ``k % x.n`` of x and value ``k // x.n`` of y."""

    x: Axis
    """The weight that changes from restart to restart."""
    y: Axis
    """The weight that changes from row to row."""
    at: Mapping[str, float]
    """Every other weight by name."""

    @property
    def n_restarts(self) -> int:
        """Points of the grid."""
        return self.x.n * self.y.n

    def problems(self, names: Sequence[str]) -> list[str]:
        """Say what does not fit a network's weights, in words that go after a field's value."""
        swept = [self.x.name, self.y.name]
        unknown = [name for name in [*swept, *self.at] if name not in names]
        missing = [name for name in names if name not in self.at and name not in swept]
        found = []
        if unknown:
            found.append(f"weights of the network, which has {_some(names)}, not {_some(unknown)}")
        if self.x.name == self.y.name:
            found.append(f"two different weights as x and y, not {self.x.name} twice")
        if twice := [name for name in dict.fromkeys(swept) if name in self.at]:
            found.append(f"{_some(twice)} either as x or y or in at, not in both")
        if missing:
            found.append(
                f"a value for every weight but x and y; there is none for {_some(missing)}"
            )
        return found

    def draw(self, names: Sequence[str], start: int, stop: int) -> np.ndarray:
        """Starting weights of the restarts in [start, stop).

        Parameters
        ----------
        names : sequence of str
            The network's weights in storage order.
        start, stop : int
            At most `n_restarts`.

        Returns
        -------
        ndarray, shape (n_parameters, stop - start), float64
        """
        restarts = np.arange(start, stop)
        drawn = np.empty((len(names), restarts.size))
        for row, name in enumerate(names):
            if name == self.x.name:
                drawn[row] = self.x.values()[restarts % self.x.n]
            elif name == self.y.name:
                drawn[row] = self.y.values()[restarts // self.x.n]
            else:
                drawn[row] = self.at[name]
        return drawn


def parse_axis(text: str) -> Axis:
    """Read ``W1[0,0]=-10:10:200``.

    Raises
    ------
    ValueError
        If it is of another form, an end is not finite, or there are fewer than 2 or more than
        `MAX_POINTS` values.

    Examples
    --------
    >>> parse_axis("W1[0,0]=-10:10:200")
    Axis(name='W1[0,0]', low=-10.0, high=10.0, n=200)
    """
    found = _AXIS.fullmatch(text)
    if not found:
        message = "no axis"
        raise ValueError(message)
    name, low, high, n = found.groups()
    axis = Axis(name.replace(" ", ""), float(low) + 0.0, float(high) + 0.0, int(n))
    if not (math.isfinite(axis.low) and math.isfinite(axis.high) and axis.low < axis.high):
        message = "no finite range"
        raise ValueError(message)
    if not 2 <= axis.n <= MAX_POINTS:
        message = "too few or too many points"
        raise ValueError(message)
    return axis


def parse_weight(text: str) -> tuple[str, float]:
    """Read ``b1[0]=0.6``.

    Raises
    ------
    ValueError
        If it is of another form or the value is not finite.
    """
    found = _WEIGHT.fullmatch(text)
    if not found or not math.isfinite(value := float(found[2])):
        message = "no weight"
        raise ValueError(message)
    return found[1].replace(" ", ""), value + 0.0


def fixed_weights(texts: Sequence[str]) -> dict[str, float]:
    """Read fixed weights.

    Raises
    ------
    ValueError
        If one is of another form or a name is there twice.
    """
    weights = dict(parse_weight(text) for text in texts)
    if len(weights) < len(texts):
        message = "a weight is there twice"
        raise ValueError(message)
    return weights


def _some(names: Sequence[str]) -> str:
    """Return the first few names."""
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
