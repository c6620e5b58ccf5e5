"""`--until success_rate=WIDTH`, `--until difference=SIZE` and `--for TIME`, as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runner.errors import ExperimentError
from runner.errors.messages import listed, nearest, shown

_NAMES = ("success_rate", "difference")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_until(texts: Iterable[str]) -> dict[str, float]:
    """Return numbers by what they are of; ExperimentError if a text is none.

    Examples
    --------
    >>> parse_until(["success_rate=0.01"])
    {'success_rate': 0.01}
    >>> parse_until(["sucess_rate=0.01"])
    Traceback (most recent call last):
    runner.errors.exceptions.ExperimentError: --until: 'sucess_rate' is not measured; \
expected one of 'success_rate', 'difference'. Did you mean 'success_rate'?
    """
    found: dict[str, float] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            message = f"--until is {shown(text)}; expected NAME=NUMBER, as in success_rate=0.01."
            raise ExperimentError(message)
        if name not in _NAMES:
            message = f"--until: {shown(name)} is not measured; expected one of {listed(_NAMES)}."
            raise ExperimentError(message + nearest(name, _NAMES))
        try:
            found[name] = float(value)
        except ValueError:
            message = f"--until {name} is {shown(value)}; expected a number, as in {name}=0.01."
            raise ExperimentError(message) from None
    return found


def parse_time(text: str) -> float:
    """Return a time in seconds; ExperimentError if the text is none.

    Examples
    --------
    >>> parse_time("10m"), parse_time("1.5h"), parse_time("90")
    (600.0, 5400.0, 90.0)
    """
    parts = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([smhd]?)\s*", text, flags=re.ASCII)
    if parts is None:
        message = f"--for is {shown(text)}; expected a time, as in 90s, 10m, 2h or 1d."
        raise ExperimentError(message)
    return float(parts[1]) * _SECONDS[parts[2]]
