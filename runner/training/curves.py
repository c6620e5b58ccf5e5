"""Loss curves of traced restarts, recorded at log-spaced steps."""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled
from runner.network.signature import HYPERPARAMETERS
from runner.training.evaluation import losses_of_columns
from runner.training.lane_block import LaneBlock, chosen, chosen_columns, replace
from runner.training.restarts import Curves, Restarts


def checkpoints(max_steps: int) -> np.ndarray:
    """Log-spaced steps at which curves are recorded: about eight per decade, and 0 and the last.

    Below the last one they are those of every larger number of steps.
    """
    exponents = np.arange(0, 8 * np.log10(max(max_steps, 1)) + 1)
    spaced = np.unique(np.round(10 ** (exponents / 8)).astype(np.int64))
    return np.unique(np.concatenate([[0], spaced[spaced < max_steps], [max_steps]]))


MOST_BYTES = 2**25
"""Memory of the parameters that a call keeps on its way; more is fetched from the system each time,
page by page (`runner.cluster.freed_memory`)."""


class LossCurves:
    """Records the losses of traced restarts where they pause, or on their way: at `checkpoints`."""

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        self._compiled, self._restarts = compiled, restarts
        self._fixed: tuple[np.ndarray, ...] = (np.zeros(0),)
        self._per_epoch = compiled.signature.updates_per_epoch
        self._budget = restarts.max_steps // self._per_epoch
        self._epochs = checkpoints(int(self._budget.max(initial=1)))[:-1]  # of curves' points
        self._traced = np.flatnonzero(restarts.traced)
        self._place = np.cumsum(restarts.traced) - 1  # of a traced restart among them
        # a row for each of them, and one more, as a restart's end comes behind its last one
        self._losses = np.empty((len(self._epochs) + 1, self._traced.size))
        self.due = np.where(restarts.traced, 0, self._budget)
        """(n,): epoch of each restart's next pause, or its budget."""

    @property
    def are_recorded_on_the_way(self) -> bool:
        """Whether `record_on_the_way` can be called, so that no restart has to pause."""
        signature = self._compiled.signature
        if self._compiled.record is None or self._restarts.plateau is not None:
            return False
        numbers = signature.architecture.n_parameters * len(self._epochs) * self._traced.size
        return 0 < numbers * np.dtype(signature.dtype).itemsize <= MOST_BYTES

    def record_on_the_way(self, block: LaneBlock) -> np.ndarray:
        """Train all restarts, each in the lane of its number, and record the losses of the traced.

        Returns
        -------
        ndarray, shape (n,), bool
            See `runner.engines.base.Compiled.advance`.
        """
        traced, places = self._traced, np.full(block.restart.size, -1, np.int32)
        places[traced] = np.arange(traced.size)
        solved, on_the_way = block.record(self._compiled, self._epochs, places)
        passed = self._passed(traced, chosen(block.epochs, traced))
        fixed = (chosen_columns(array, traced) for array in (block.hyper, block.targets))
        hyper, targets = (array.astype(np.float64, copy=False) for array in fixed)
        for row, parameters in enumerate(on_the_way):
            there = np.flatnonzero(passed > row)
            columns = (chosen_columns(array, there) for array in (parameters, hyper, targets))
            replace(self._losses[row], there, losses_of_columns(self._compiled, *columns))
        return solved

    def _passed(self, restarts: np.ndarray, epochs: np.ndarray) -> np.ndarray:
        """How many points restarts (k,) int have passed that have made epochs (k,)."""
        last = np.minimum(epochs, chosen(self._budget, restarts) - 1)
        return np.asarray(np.searchsorted(self._epochs, last, side="right"))

    def record(self, block: LaneBlock, lanes: np.ndarray) -> None:
        """Record the losses of lanes that pause, and set their next pauses.

        Parameters
        ----------
        block : LaneBlock
        lanes : ndarray of int
            Those whose pause is another's are passed by.
        """
        restarts, epochs = chosen(block.restart, lanes), chosen(block.epochs, lanes)
        due = epochs >= chosen(self.due, restarts)
        if not due.all():
            lanes, restarts, epochs = lanes[due], restarts[due], epochs[due]
        if not lanes.size:
            return
        losses, places = self._losses_of(block, lanes), chosen(self._place, restarts)
        row = np.searchsorted(self._epochs, epochs)
        if (row == row[0]).all():  # as a rule: they all run side by side
            replace(self._losses[row[0]], places, losses)
        else:
            self._losses[row, places] = losses
        budgets = chosen(self._budget, restarts)
        later = np.append(self._epochs, budgets.max())[row + 1]
        replace(self.due, restarts, np.minimum(later, budgets))

    def _losses_of(self, block: LaneBlock, lanes: np.ndarray) -> np.ndarray:
        """Losses of lanes, (k,) float64."""
        if lanes.size < block.restart.size:
            columns = (block.state, block.hyper, block.targets)
            return losses_of_columns(
                self._compiled, *(chosen_columns(array, lanes) for array in columns)
            )
        if not self._compiled.any_lanes:  # new restarts come into its block
            return losses_of_columns(self._compiled, block.state, block.hyper, block.targets)
        if self._fixed[0] is not block.hyper:  # the same until lanes leave
            wide = (array.astype(np.float64, copy=False) for array in (block.hyper, block.targets))
            self._fixed = (block.hyper, *wide)
        return losses_of_columns(self._compiled, block.state, *self._fixed[1:])

    def recorded(self, state: np.ndarray, steps: np.ndarray, losses: np.ndarray) -> Curves:
        """Return all that has been recorded, and the ends of all restarts behind it.

        Parameters
        ----------
        state : ndarray, shape (n_rows, n)
            Where the restarts have ended.
        steps : ndarray, shape (n,), int32
            Updates that they have made.
        losses : ndarray, shape (n,)
            Losses then, of an `Evaluation`.
        """
        traced, n_points = self._traced, np.zeros(len(steps), np.int64)
        every, n_rows = np.arange(traced.size), len(self._losses)
        ended = chosen(steps, traced) // self._per_epoch
        passed = self._passed(traced, ended)
        # a rule that holds where a restart was paused stops it there, without another step
        n_points[traced] = own = passed + (self._epochs[passed - 1] != ended)
        self._losses[passed, every] = self._last_losses(traced, state, losses)
        epochs = np.tile(np.append(self._epochs, 0).astype(np.int32), (traced.size, 1))
        epochs[every, passed] = ended
        found = self._losses.T
        if (own == n_rows).all():
            return Curves(n_points, epochs.ravel() * self._per_epoch, found.ravel())
        there = np.arange(n_rows) < own[:, np.newaxis]
        return Curves(n_points, epochs[there] * self._per_epoch, found[there])

    def _last_losses(self, traced: np.ndarray, state: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """Losses (k,) of the traced restarts' ends: a curve's are of settings as in training."""
        dtype, restarts = self._compiled.signature.dtype, self._restarts
        l2 = restarts.hyper[HYPERPARAMETERS.index("l2")]
        if all((a.astype(dtype) == a).all() for a in (l2, restarts.targets)):
            return chosen(losses, traced)
        columns = (state, restarts.hyper.astype(dtype), restarts.all_targets.astype(dtype))
        return losses_of_columns(
            self._compiled, *(chosen_columns(array, traced) for array in columns)
        )
