"""How long a sweep is to go on: until what it measures is precise, or for a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypedDict

from runner.errors import ExperimentError
from runner.errors.messages import shown


@dataclass(frozen=True)
class Until:
    """Until when a sweep goes on: it adds rounds of restarts, up to the experiment's ``restarts``.

    Raises
    ------
    ExperimentError
        If a value is out of range.

    Examples
    --------
    >>> Until(success_rate=0.01, for_s=600).asked
    {'success_rate': 0.01, 'for_s': 600}
    >>> Until(success_rate=2)
    Traceback (most recent call last):
    runner.errors.exceptions.ExperimentError: success_rate (--until success_rate) is 2; \
expected a half-width from 0.00001 to 0.4.
    """

    success_rate: float | None = None
    """Half-width of every configuration's interval of the share of solved restarts: of the interval
    that holds at all numbers of restarts at once, see `runner.study.statistics.anytime`."""
    difference: float | None = None
    """The smallest difference of shares that matters: of each pair of configurations that differ in
    one axis and have the same starts it is to be known that they differ, or that they do so by
    less, see `runner.study.statistics.paired`."""
    classes: float | None = None
    """Chance that the next restart of a configuration ends in a class not met before; the bound
    that is to come below it holds likewise, see `runner.study.statistics.discoveries`. Each round
    is analysed."""
    for_s: float | None = None
    """Seconds after which no round begins. How many there are then depends on the machine."""

    def __post_init__(self) -> None:
        """Raise ExperimentError for the first value that is out of range."""
        problem = ""
        if not _in_range(self.success_rate, 1e-5, 0.4):
            state = f"success_rate (--until success_rate) is {shown(self.success_rate)}"
            problem = f"{state}; expected a half-width from 0.00001 to 0.4."
        elif not _in_range(self.difference, 1e-4, 0.5):
            state = f"difference (--until difference) is {shown(self.difference)}"
            problem = f"{state}; expected a difference from 0.0001 to 0.5."
        elif not _in_range(self.classes, 1e-6, 0.5):
            state = f"classes (--until-classes) is {shown(self.classes)}"
            problem = f"{state}; expected a chance from 0.000001 to 0.5."
        elif not _in_range(self.for_s, 0.001, 1e9):
            state = f"for_s (--for) is {shown(self.for_s)}"
            problem = f"{state}; expected 0.001 to 1,000,000,000 seconds."
        if problem:
            raise ExperimentError(problem)

    @property
    def asked(self) -> dict[str, float]:
        """What is asked for, by field; JSON-ready."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def stored(cls, asked: Mapping[str, float]) -> Until:
        """Return what a plan holds as `asked`; fields that a later version had are left out."""
        known = {name: asked[name] for name in cls.__dataclass_fields__ if name in asked}
        return cls(**known)


class UntilKeywords(TypedDict, total=False):
    """The fields of `Until` as loose keywords of a public function."""

    success_rate: float | None
    difference: float | None
    classes: float | None
    for_s: float | None


def _in_range(value: object, least: float, most: float) -> bool:
    """Whether a value is a number in a range, or not given."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value is None
    return least <= value <= most
