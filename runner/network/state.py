"""The packed state of restarts: parameters, the optimizer's state, and that of the epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.network.optimizers.base import Optimizer


@dataclass(frozen=True)
class PackedState:
    """Where the numbers of a restart lie in a column of the packed state (n_rows, n)."""

    n_parameters: int
    """Parameters of the network: the first rows."""
    optimizer: Optimizer
    """Its slots follow, ``n_parameters`` rows each, then its counters."""
    dtype: str
    """float32 or float64."""
    scheduled: bool = False
    """Whether a row for the updates made follows, which schedules are a function of."""
    shuffled: bool = False
    """Whether three rows of the generator that orders the patterns come last."""

    @property
    def n_rows(self) -> int:
        """Rows in all."""
        return self.first_counter + self.n_counters

    @property
    def n_counters(self) -> int:
        """Rows that hold a single number each: the optimizer's counters, then those of epochs."""
        return len(self.optimizer.counters) + self.scheduled + 3 * self.shuffled

    @property
    def n_blocks(self) -> int:
        """Blocks of ``n_parameters`` rows: the parameters and the slots."""
        return 1 + self.optimizer.n_slots

    @property
    def first_counter(self) -> int:
        """Row of the first counter."""
        return self.n_parameters * self.n_blocks

    def block(self, number: int) -> slice:
        """Return the rows of a block: 0 has the parameters, the others the slots."""
        return slice(number * self.n_parameters, (number + 1) * self.n_parameters)

    def start(
        self,
        parameters: np.ndarray,
        learning_rate: np.ndarray,
        generator: np.ndarray | None = None,
    ) -> np.ndarray:
        """Packed state of restarts before their first step.

        Parameters
        ----------
        parameters : ndarray, shape (n_parameters, n), float64
        learning_rate : ndarray, shape (n,), float64
        generator : ndarray, shape (3, n), optional
            Of `runner.network.shuffle.first_states`; needed with ``shuffled``.

        Returns
        -------
        ndarray, shape (n_rows, n), this state's dtype
        """
        state = np.zeros((self.n_rows, parameters.shape[1]), self.dtype)
        state[self.block(0)] = parameters
        if self.optimizer.slot_from_rate is not None:
            state[self.block(1 + self.optimizer.slot_from_rate)] = learning_rate
        for i, value in enumerate(self.optimizer.counters):
            state[self.first_counter + i] = value
        if self.shuffled:
            state[-3:] = generator
        return state

    def again(
        self,
        state: np.ndarray,
        parameters: np.ndarray,
        learning_rate: np.ndarray,
        *,
        keep_schedule: bool,
    ) -> np.ndarray:
        """Packed state of restarts that go on from other parameters.

        Parameters
        ----------
        state : ndarray, shape (n_rows, n)
            Where they are.
        parameters : ndarray, shape (n_parameters, n), float64
        learning_rate : ndarray, shape (n,), float64
        keep_schedule : bool
            Whether schedules go on; else they begin anew.

        Returns
        -------
        ndarray, shape (n_rows, n), this state's dtype
            The optimizer has forgotten everything; the orders of the patterns go on.
        """
        fresh = self.start(parameters, learning_rate, state[-3:] if self.shuffled else None)
        if keep_schedule and self.scheduled:
            row = self.first_counter + len(self.optimizer.counters)
            fresh[row] = state[row]
        return fresh

    def columns(self, state: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the optimizer has counted, (n,) each by name, from a packed state."""
        names = self.optimizer.columns
        return {name: state[self.first_counter + i] for i, name in enumerate(names)}
