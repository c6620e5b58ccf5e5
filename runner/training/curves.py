"""Loss curves of traced restarts, recorded at log-spaced steps."""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled
from runner.network.signature import HYPERPARAMETERS
from runner.training.evaluation import losses_of_columns
from runner.training.lane_block import LaneBlock, chosen, replace
from runner.training.restarts import Curves, Restarts


def checkpoints(max_steps: int) -> np.ndarray:
    """Log-spaced steps at which curves are recorded: about eight per decade, and 0 and the last."""
    exponents = np.arange(0, 8 * np.log10(max(max_steps, 1)) + 1)
    spaced = np.unique(np.round(10 ** (exponents / 8)).astype(np.int64))
    return np.unique(np.concatenate([[0], spaced[spaced < max_steps], [max_steps]]))


class LossCurves:
    """Records the losses of traced restarts where they pause, at `checkpoints`."""

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        self._points: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._fixed: tuple[np.ndarray, ...] = (np.zeros(0),)
        self._compiled = compiled
        self._per_epoch = compiled.signature.updates_per_epoch
        self._restarts = restarts
        self._budget = restarts.max_steps // self._per_epoch
        self._pauses = {int(m): checkpoints(int(m)) for m in np.unique(self._budget)}  # in epochs
        self.due = np.where(restarts.traced, 0, self._budget)
        """(n,): epoch of each restart's next pause, or its budget."""

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
        losses = self._losses(block, lanes)
        self._points.append((restarts.copy(), epochs * self._per_epoch, losses))
        budgets = chosen(self._budget, restarts)
        if (epochs == epochs[0]).all() and (budgets == budgets[0]).all():
            pauses = self._pauses[int(budgets[0])]  # as a rule: they all run side by side
            later = pauses[np.searchsorted(pauses, epochs[0], side="right")]
            replace(self.due, restarts, later)
            return
        for budget, pauses in self._pauses.items():
            on = budgets == budget
            if on.any():
                later = pauses[np.searchsorted(pauses, epochs[on], side="right")]
                self.due[restarts[on]] = later

    def _losses(self, block: LaneBlock, lanes: np.ndarray) -> np.ndarray:
        """Losses of lanes, (k,) float64."""
        if lanes.size < block.restart.size:
            columns = (block.state, block.hyper, block.targets)
            return losses_of_columns(
                self._compiled, *(np.take(array, lanes, axis=1) for array in columns)
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
        traced = np.flatnonzero(self._restarts.traced)
        points = np.zeros(len(steps), np.int64)
        if not traced.size:
            return Curves(points, np.zeros(0, np.int32), np.zeros(0))
        ends = (traced, chosen(steps, traced), self._last_losses(traced, state, losses))
        restarts, at, found = zip(*self._points, ends, strict=True)
        if all(np.array_equal(traced, each) for each in restarts[:-1]):
            step, loss = np.stack(at), np.stack(found)  # a row for each pause
            # a rule that holds where a restart was paused stops it there, without another step
            new = step[1:] != step[:-1]
            if new.all():
                points[traced] = len(at)
                return Curves(points, step.T.ravel(), loss.T.ravel())
            new = np.concatenate([np.ones((1, traced.size), bool), new])
            points[traced] = new.sum(axis=0)
            return Curves(points, step.T[new.T], loss.T[new.T])
        restart, step, loss = (np.concatenate(parts) for parts in (restarts, at, found))
        order = np.argsort(restart, kind="stable")  # within a restart as recorded, by step
        restart, step, loss = restart[order], step[order], loss[order]
        new = np.ones(len(step), bool)
        new[1:] = (restart[1:] != restart[:-1]) | (step[1:] != step[:-1])
        return Curves(np.bincount(restart[new], minlength=len(steps)), step[new], loss[new])

    def _last_losses(self, traced: np.ndarray, state: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """Losses (k,) of the traced restarts' ends: a curve's are of settings as in training."""
        dtype, restarts = self._compiled.signature.dtype, self._restarts
        l2 = restarts.hyper[HYPERPARAMETERS.index("l2")]
        if all((a.astype(dtype) == a).all() for a in (l2, restarts.targets)):
            return chosen(losses, traced)
        columns = (state, restarts.hyper.astype(dtype), restarts.all_targets.astype(dtype))
        return losses_of_columns(
            self._compiled, *(np.take(array, traced, axis=1) for array in columns)
        )
