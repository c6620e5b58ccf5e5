"""`--set a.b=VALUE` and `--grid a.b=V1,V2`, as text, into paths and values."""

from __future__ import annotations

import datetime
import re
import tomllib
from typing import Any

from runner.errors import ExperimentError
from runner.errors.messages import shown

__all__ = ["parse_axis", "parse_change"]

# A quoted string, whole or cut off; or any one other character.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|\'[^\']*+\'?|.', re.DOTALL)


def parse_change(text: str, option: str = "--set") -> tuple[str, Any]:
    """Split `a.b=VALUE` into the dotted path and the value.

    Parameters
    ----------
    text : str
        VALUE is a TOML value; what is not one, such as a bare word, is a string.
    option : str
        What messages call it.

    Raises
    ------
    ExperimentError
        If there is no `=`, no path or no value, or a bracket or quote is not closed.

    Examples
    --------
    >>> parse_change("network.hidden=[2, 2]")
    ('network.hidden', [2, 2])
    >>> parse_change("problem.gate=XOR")
    ('problem.gate', 'XOR')
    """
    path, value = _split(text, option, "a.b=VALUE")
    return path, _value(value, f"{option} {shown(text)}")


def parse_axis(text: str) -> tuple[str, list[Any]]:
    """Split `a.b=V1,V2` into the dotted path and the values.

    Parameters
    ----------
    text : str
        The values are as in `parse_change`; commas within brackets or quotes do not split. Of
        axes that vary together, ``a.b,c.d``, each value is a list, and so may be all of them.

    Raises
    ------
    ExperimentError
        If there is no `=`, no path or an empty value, or a bracket or quote is not closed.

    Examples
    --------
    >>> parse_axis("network.hidden=[],[2]")
    ('network.hidden', [[], [2]])
    """
    path, values = _split(text, "--grid", "a.b=V1,V2")
    pieces, depth = [""], 0
    for part in _TOKEN.findall(values):
        depth += (part in "[{(") - (part in "]})")
        if part == "," and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += part
    read = [_value(piece.strip(), f"--grid {shown(text)}") for piece in pieces]
    # Points of axes that vary together may stand in one list, as in a file.
    n_together = path.count(",") + 1
    if n_together > 1 and len(read) == 1 and isinstance(read[0], list) and read[0]:
        points = read[0]
        if all(isinstance(point, list) and len(point) == n_together for point in points):
            return path, points
    return path, read


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        message = f"{option} is {shown(text)}; expected {form}, as in problem.gate=XOR."
        raise ExperimentError(message)
    return path.strip(), value.strip()


def _value(text: str, where: str) -> Any:
    """Read a TOML value, or else a bare word."""
    if not text:
        message = f"{where}: a value is missing; expected one after = and between commas."
        raise ExperimentError(message)
    quoted = text[0] in "[{\"'"
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        table = {}
    value = table.get("value", text)
    if quoted and (not table or len(table) > 1):
        message = (
            f"{where}: the value is {shown(text)}; expected a TOML value, with brackets and "
            "quotes closed."
        )
        raise ExperimentError(message)
    # No field takes a date, and outside quotes `#` and line ends belong to the word.
    if not quoted and (
        isinstance(value, datetime.date | datetime.time) or re.search(r"[#\n]", text)
    ):
        return text
    return value
