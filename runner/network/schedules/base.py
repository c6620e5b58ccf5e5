"""What a schedule is: a factor for every step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final

from runner.network.tensors import Namespace, Tensor

LONGEST_FLOAT32: Final = 2**24
"""Steps up to which float32 has every whole number, and can count them."""


class Schedule(ABC):
    """A factor on a hyperparameter, as a function of the steps made so far.

    Parameters
    ----------
    values : sequence of str
        What stands after the schedule's name, split at the colons.

    Raises
    ------
    ValueError
        If there are too few, too many, or wrong ones.

    Notes
    -----
    For who adds one: write ``runner/network/schedules/NAME.py`` with a subclass, and name it in
    `runner.network.schedules.registry.SCHEDULES`. The factor may use of ``T`` only what
    `runner.engines.simd` has vector code for. `tests/network/test_schedules.py` compares every
    schedule with its closed form.
    """

    form: ClassVar[str]
    """How it is written, for messages: ``exponential:FACTOR``."""

    @abstractmethod
    def __init__(self, values: Sequence[str]) -> None: ...

    @abstractmethod
    def factor(self, T: Namespace, steps: Tensor, dtype: str) -> Tensor:
        """Build the factor of the step that follows after ``steps`` steps, a vector over lanes.

        Parameters
        ----------
        T : module
            Tensor namespace of the engine.
        steps : tensor, of ``dtype``
            Whole numbers from 0.
        dtype : str
            float32 or float64.
        """


def share(text: str, *, least: float = 0.0, most: float = 1.0) -> float:
    """Return a number of a schedule.

    Raises
    ------
    ValueError
        If it is no number from ``least`` to ``most``.
    """
    value = float(text)
    if not least <= value <= most:
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """Return a number of steps of a schedule.

    Raises
    ------
    ValueError
        If it is no integer from 1 to 2,000,000,000.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise ValueError(text)
    value = int(text)
    if not 1 <= value <= 2_000_000_000:
        raise ValueError(text)
    return value
