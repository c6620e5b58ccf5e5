"""Restarts before and after their training, as arrays over restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runner.engines.base import Evaluation


@dataclass(frozen=True)
class PlateauRule:
    """When n restarts are on a plateau, and where they go on from there."""

    epochs: np.ndarray
    """(n,) int32: epochs in which the loss has to fall."""
    fall: np.ndarray
    """(n,) float64: by which share of itself, at least."""
    other_weights: Callable[[np.ndarray, int, np.ndarray], np.ndarray]
    """``(restarts, attempt, weights)``: where restarts, rising positions (k,), go on from weights
    (n_parameters, k), for the ``attempt``-th time; float64 (n_parameters, k)."""


@dataclass(frozen=True)
class Restarts:
    """n restarts of one signature, ready to train."""

    starts: np.ndarray
    """(n_parameters, n) float64: starting weights."""
    hyper: np.ndarray
    """(len(HYPERPARAMETERS), n) float64: see `runner.network.signature.HYPERPARAMETERS`."""
    targets: np.ndarray
    """(n_tables, n_targets) float64: one row per truth table."""
    table: np.ndarray
    """(n,) int: row of ``targets`` of each restart."""
    max_steps: np.ndarray
    """(n,) int32: step budget, in updates; whole epochs."""
    traced: np.ndarray
    """(n,) bool: restarts whose loss curve is recorded."""
    generator: np.ndarray | None = None
    """(3, n) float64: of `runner.network.shuffle`, where patterns are shuffled."""

    plateau: PlateauRule | None = None
    """What is done on a plateau; None for nothing."""

    def __len__(self) -> int:
        return int(self.starts.shape[1])

    @cached_property
    def all_targets(self) -> np.ndarray:
        """Return the targets (n_targets, n) of all restarts, C-contiguous."""
        return self.targets_of(slice(None))

    def targets_of(self, numbers: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the targets (n_targets, n) of some restarts, by default of all; C-contiguous."""
        # NumPy's brackets would put columns into memory one by one, and each call would copy them
        return np.take(self.targets.T, self.table[numbers], axis=1)


@dataclass(frozen=True)
class Curves:
    """Losses of n restarts at some of their steps, restart by restart and step by step."""

    n_points: np.ndarray
    """(n,) int: how many points each restart has; none where it is not traced."""
    step: np.ndarray
    """(k,) int: updates made, rising within a restart."""
    loss: np.ndarray
    """(k,) float64: loss there."""

    def of(self, restart: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps and losses of one restart."""
        last = int(self.n_points[: restart + 1].sum())
        first = last - int(self.n_points[restart])
        return self.step[first:last], self.loss[first:last]


@dataclass(frozen=True)
class Endpoints:
    """Where n restarts ended."""

    state: np.ndarray
    """(n_rows, n): packed state, the signature's dtype; its first rows are the weights."""
    steps: np.ndarray
    """(n,) int32: updates made."""
    solved: np.ndarray
    """(n,) bool: every output on the right side."""
    seen: Evaluation
    """The endpoints in float64."""
    weights: np.ndarray
    """(n_parameters, n) float64: their weights."""
    curves: Curves
    """Losses on the way, of the traced restarts."""
    plateaus: np.ndarray
    """(n,) int64: plateaus on which something was done."""
    lane_steps: int
    """Updates of all calls for the lanes that held a restart, useful or not, as far as is known."""
