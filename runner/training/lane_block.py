"""What the lanes of a compiled function hold between two calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.base import Compiled
from runner.network.signature import HYPERPARAMETERS, Signature
from runner.training.restarts import Restarts

EMPTY = -1
"""Number of the restart of a lane that holds none."""


def chosen(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return values (n,) at rising places without repeats: themselves, if these are all."""
    return values if which.size == values.size else values[which]


def chosen_columns(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return columns of values (rows, n) at rising places without repeats, likewise."""
    return values if which.size == values.shape[1] else np.take(values, which, axis=1)


def replace(values: np.ndarray, which: np.ndarray, by: np.ndarray | int) -> None:
    """Put others into values (n,) at rising places without repeats; quicker if these are all."""
    if which.size == values.size:
        values[:] = by
    else:
        values[which] = by


@dataclass
class LaneBlock:
    """The arrays of one call, a column per lane.

    Notes
    -----
    A lane moves while its steps are under its limit. An empty lane has a limit of 0 and so never
    moves; a lane is paused by a lowered limit.
    """

    restart: np.ndarray
    """(n_lanes,) int: the restart that each lane holds, or `EMPTY`."""
    state: np.ndarray
    """(n_rows, n_lanes), the signature's dtype."""
    hyper: np.ndarray
    """(len(HYPERPARAMETERS), n_lanes), the signature's dtype."""
    targets: np.ndarray
    """(n_targets, n_lanes), the signature's dtype."""
    epochs: np.ndarray
    """(n_lanes,) int32: epochs made; with updates on all patterns, steps."""
    limit: np.ndarray
    """(n_lanes,) int32: epochs at which the lane halts."""

    @classmethod
    def empty(cls, signature: Signature, n_lanes: int) -> LaneBlock:
        """Make a block of empty lanes."""
        return cls(
            restart=np.full(n_lanes, EMPTY),
            state=np.zeros((signature.n_rows, n_lanes), signature.dtype),
            hyper=np.zeros((len(HYPERPARAMETERS), n_lanes), signature.dtype),
            targets=np.zeros((signature.n_targets, n_lanes), signature.dtype),
            epochs=np.zeros(n_lanes, np.int32),
            limit=np.zeros(n_lanes, np.int32),
        )

    @classmethod
    def of_all(cls, signature: Signature, restarts: Restarts) -> LaneBlock:
        """Make a block that holds all restarts, in their order, at their starts."""
        n = len(restarts)
        rates = restarts.hyper[0]
        return cls(
            restart=np.arange(n),
            state=signature.state.start(restarts.starts, rates, restarts.generator),
            hyper=restarts.hyper.astype(signature.dtype),
            targets=restarts.all_targets.astype(signature.dtype),
            epochs=np.zeros(n, np.int32),
            limit=restarts.max_steps // signature.updates_per_epoch,
        )

    def fill(
        self, signature: Signature, lanes: np.ndarray, restarts: Restarts, numbers: np.ndarray
    ) -> None:
        """Put the restarts ``numbers`` (k,) int into ``lanes`` (k,) int, at their starts."""
        starts, rates = restarts.starts[:, numbers], restarts.hyper[0, numbers]
        generator = None if restarts.generator is None else restarts.generator[:, numbers]
        self.restart[lanes] = numbers
        self.state[:, lanes] = signature.state.start(starts, rates, generator)
        self.hyper[:, lanes] = restarts.hyper[:, numbers]
        self.targets[:, lanes] = restarts.targets_of(numbers)
        self.epochs[lanes] = 0
        self.limit[lanes] = restarts.max_steps[numbers] // signature.updates_per_epoch

    def clear(self, lanes: np.ndarray) -> None:
        """Empty lanes (k,) int."""
        self.restart[lanes], self.epochs[lanes], self.limit[lanes] = EMPTY, 0, 0

    def taken(self, lanes: np.ndarray) -> LaneBlock:
        """Return a block of copies of some lanes (k,) int."""
        return LaneBlock(
            restart=self.restart[lanes],
            state=np.take(self.state, lanes, axis=1),
            hyper=np.take(self.hyper, lanes, axis=1),
            targets=np.take(self.targets, lanes, axis=1),
            epochs=self.epochs[lanes],
            limit=self.limit[lanes],
        )

    def hyperparameter(self, name: str, lanes: np.ndarray) -> np.ndarray:
        """Return one of lanes (k,), the signature's dtype, by its name in `HYPERPARAMETERS`."""
        return np.asarray(self.hyper[HYPERPARAMETERS.index(name), lanes])

    def advance(self, compiled: Compiled) -> tuple[np.ndarray, np.ndarray]:
        """Call a compiled function once.

        Returns
        -------
        taken : ndarray, shape (n_lanes,), int32
            Steps that each lane took.
        solved : ndarray, shape (n_lanes,), bool
            See `runner.engines.base.Compiled.advance`.
        """
        before = self.epochs
        state, epochs, solved = compiled.advance(
            self.state, self.epochs, self.limit, self.hyper, self.targets
        )
        if not compiled.any_lanes:  # its arrays may be read-only, or its own to use again
            state, epochs = state.copy(), epochs.copy()
        self.state, self.epochs = state, epochs
        return self.epochs - before, solved

    def record(
        self, compiled: Compiled, at: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Call a compiled function once, whose lanes are recorded on their way from step 0 on.

        Parameters
        ----------
        compiled : Compiled
            That can.
        at, places : ndarray
            See `runner.engines.base.Compiled.record`.

        Returns
        -------
        solved, points : ndarray
            See there.
        """
        if compiled.record is None:
            message = (
                f"{compiled.signature.architecture.title}: record is None; expected a compiled "
                "function that records on its way. Ask LossCurves.are_recorded_on_the_way before."
            )
            raise TypeError(message)
        self.state, self.epochs, solved, points = compiled.record(
            self.state, self.limit, self.hyper, self.targets, at, places
        )
        return solved, points
