"""The Boolean functions that have names: all of two inputs, parity and majority."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["GATES", "GATES_IN_WORDS", "gate_names", "gate_outputs"]

# The position of a name, in binary, is the gate's column of outputs for 00, 01, 10, 11.
_TWO_INPUTS: Final = (
    *("FALSE", "AND", "A-AND-NOT-B", "A", "B-AND-NOT-A", "B", "XOR", "OR"),
    *("NOR", "XNOR", "NOT-B", "A-OR-NOT-B", "NOT-A", "B-OR-NOT-A", "NAND", "TRUE"),
)
_WIDTHS: Final = range(2, 11)

GATES: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(_TWO_INPUTS, 2)
    | {f"PARITY-{n}": n for n in _WIDTHS}
    | {f"MAJORITY-{n}": n for n in _WIDTHS}
)
"""Every gate's name and its number of inputs."""

GATES_IN_WORDS: Final = (
    f"one of {', '.join(_TWO_INPUTS)}, PARITY-n or MAJORITY-n with n from "
    f"{_WIDTHS[0]} to {_WIDTHS[-1]}"
)
"""The valid names, for error messages."""


def gate_names() -> tuple[str, ...]:
    """Return every gate's name: the 16 of two inputs, then PARITY-n, then MAJORITY-n."""
    return tuple(GATES)


def gate_outputs(name: str) -> tuple[bool, ...]:
    """Return a gate's outputs in binary counting order, first input most significant.

    Parameters
    ----------
    name : str
        One of `gate_names()`.

    Returns
    -------
    tuple of bool, length 2 ** n_inputs
    """
    width = GATES[name]
    if name in _TWO_INPUTS:
        column = _TWO_INPUTS.index(name)
        return tuple(bool(column >> (3 - pattern) & 1) for pattern in range(4))
    ones = [sum(bits) for bits in itertools.product((0, 1), repeat=width)]
    if name.startswith("PARITY"):
        return tuple(count % 2 == 1 for count in ones)
    return tuple(2 * count > width for count in ones)
