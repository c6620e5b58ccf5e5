"""Schedules by their names in the experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.schedules.base import Schedule
from runner.network.schedules.cosine import Cosine
from runner.network.schedules.exponential import Exponential
from runner.network.schedules.inverse import Inverse
from runner.network.schedules.points import Points
from runner.network.schedules.step import Step

SCHEDULES: Final[Mapping[str, type[Schedule]]] = {
    "step": Step,
    "exponential": Exponential,
    "inverse": Inverse,
    "cosine": Cosine,
    "points": Points,
}
"""Every schedule but the constant one, which needs no words."""


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that a text such as ``exponential:0.999`` says.

    Raises
    ------
    ValueError
        If it says none.
    """
    name, *values = text.split(":")
    if name not in SCHEDULES:
        raise ValueError(text)
    return SCHEDULES[name](values)
