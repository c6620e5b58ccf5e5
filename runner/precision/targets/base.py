"""What may be asked of a study: how many restarts it needs yet, and how to say so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.study import Study


@dataclass(frozen=True)
class Need:
    """What the configurations of a study need, in the order of the grid."""

    reached: np.ndarray
    """(n,) bool: whether a configuration is as precise as was asked for."""
    restarts: np.ndarray
    """(n,) int64: restarts that it should have next; what it has where it is reached."""
    value: np.ndarray
    """(n,) float64: how precise it is; the smaller, the more so."""


class Target(ABC):
    """Something that a study is to be precise about.

    Parameters
    ----------
    value : float
        What was asked for: the field of `runner.precision.until.Until`.

    Notes
    -----
    For who adds one: write ``runner/precision/targets/NAME.py`` with a subclass, name it in
    `runner.precision.targets.registry.TARGETS`, and add its field to `Until`. What it says must
    hold at the time of stopping, and be a function of committed restarts alone.
    """

    analysed = False
    """Whether it reads the tables of an analysis, which is then made of each round."""

    def __init__(self, value: float) -> None:
        self.value = value

    def check(self, plan: Plan) -> None:  # noqa: B027  most have nothing to check
        """Raise ExperimentError if no study of this plan can ever be asked for it."""

    @abstractmethod
    def first(self) -> int:
        """Return the restarts below which no configuration can reach it."""

    @abstractmethod
    def need(self, study: Study) -> Need:
        """Return what the configurations of a study need, of which all rounds are trained."""

    def found(self, study: Study) -> str:
        """Return what came out beside being precise, in words; nothing if that is all."""
        return ""

    @property
    @abstractmethod
    def title(self) -> str:
        """What was asked for, in words."""
