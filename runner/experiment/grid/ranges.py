"""Ranges of values in a grid: `range`, `linspace` and `logspace`, as text or as a TOML table."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from runner.errors.messages import shown

__all__ = ["expanded"]

_FORMS: Final = {
    "range": "range(LOW, END) or range(LOW, END, STEP), without END",
    "linspace": "linspace(LOW, HIGH, N), evenly from LOW to HIGH",
    "logspace": "logspace(LOW, HIGH, N), evenly in the exponent from 10**LOW to 10**HIGH",
}
_CALL: Final = re.compile(rf"\s*({'|'.join(_FORMS)})\s*\(([^()]*)\)\s*")
_LARGEST: Final = 10**6


def expanded(path: str, values: Any, most: int) -> Any:
    """Return the values of an axis with numbers in place of its ranges.

    Parameters
    ----------
    path : str
        The axis. Of `network.hidden` a number is one layer of that width.
    values : object
        A list, whose items may be ranges, or one range: `"linspace(0.1, 1, 10)"` or
        `{"linspace": [0.1, 1, 10]}`. Anything else comes back as it is.
    most : int
        Largest number of values of a range.

    Raises
    ------
    ValueError
        If a range is not of its form; its text says what was expected.

    Notes
    -----
    Numbers are exact in decimal before they are rounded to float64: the third of
    `range(0.1, 1, 0.1)` is 0.3.
    """
    if isinstance(values, str | Mapping):
        values = [values] if _call(values) else values
    if not isinstance(values, list | tuple):
        return values
    found: list[Any] = []
    for value in values:
        call = _call(value)
        if call is None:
            found.append(value)
            continue
        numbers = _numbers(*call, most)
        found += [[n] for n in numbers] if path == "network.hidden" else numbers
    return found


def _call(value: Any) -> tuple[str, list[Any]] | None:
    """Return a range's name and its arguments; None for another value."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, arguments),) = value.items()
        if name in _FORMS:
            return str(name), list(arguments) if isinstance(arguments, list | tuple) else [
                arguments
            ]
    if isinstance(value, str) and (match := _CALL.fullmatch(value)):
        return match[1], match[2].split(",")
    return None


def _numbers(name: str, arguments: list[Any], most: int) -> list[float | int]:
    written = f"{name}({', '.join(str(a).strip() for a in arguments)})"
    wrong = ValueError(f"{shown(written)}; expected {_FORMS[name]}, at most {most:,} values")
    try:
        parts = [_exact(argument) for argument in arguments]
    except (InvalidOperation, ValueError, TypeError, OverflowError):
        raise wrong from None
    if name == "range":
        if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] == 0):
            raise wrong
        low, end, step = (*parts, Fraction(1))[:3]
        n = math.ceil((end - low) / step)
        if not 1 <= n <= most:
            raise wrong
        return [_plain(low + i * step) for i in range(n)]
    if len(parts) != 3 or parts[2].denominator != 1 or not 2 <= parts[2] <= most:
        raise wrong
    low, high, n = parts[0], parts[1], int(parts[2])
    steps = [low + (high - low) * i / (n - 1) for i in range(n)]
    if name == "linspace":
        return [_plain(step) for step in steps]
    if max(abs(low), abs(high)) > 300:
        raise wrong
    return [_power(step) for step in steps]


def _exact(argument: Any) -> Fraction:
    if isinstance(argument, bool) or not isinstance(argument, str | int | float):
        raise TypeError
    number = Decimal(str(argument).strip())
    # Exponents without bounds would make fractions of any size.
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise ValueError
    return Fraction(number)


def _plain(number: Fraction) -> float | int:
    """Return a whole number as int, so that fields of integers take it."""
    whole = number.denominator == 1 and abs(number) <= _LARGEST**2
    return int(number) if whole else float(number)


def _power(exponent: Fraction) -> float | int:
    if exponent.denominator == 1:
        return _plain(Fraction(10) ** int(exponent))
    return float(10.0 ** float(exponent))
