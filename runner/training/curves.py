"""Loss curves of traced restarts, recorded at log-spaced steps."""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled
from runner.training.evaluation import losses_of_columns
from runner.training.lane_block import LaneBlock, chosen
from runner.training.restarts import Curves, Restarts


def checkpoints(max_steps: int) -> np.ndarray:
    """Log-spaced steps at which curves are recorded: about eight per decade, and 0 and the last."""
    exponents = np.arange(0, 8 * np.log10(max(max_steps, 1)) + 1)
    spaced = np.unique(np.round(10 ** (exponents / 8)).astype(np.int64))
    return np.unique(np.concatenate([[0], spaced[spaced < max_steps], [max_steps]]))


class LossCurves:
    """Records the losses of traced restarts: where they pause, at `checkpoints`, and at the end."""

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        self._points: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._fixed: tuple[np.ndarray, ...] = (np.zeros(0),)
        self._compiled = compiled
        self._per_epoch = compiled.signature.updates_per_epoch
        self._traced_restarts = restarts.traced
        self._budget = restarts.max_steps // self._per_epoch
        self._pauses = {int(m): checkpoints(int(m)) for m in np.unique(self._budget)}  # in epochs
        self.due = np.where(restarts.traced, 0, self._budget)
        """(n,): epoch of each restart's next pause, or its budget."""

    def record(self, block: LaneBlock, lanes: np.ndarray, paused: np.ndarray) -> None:
        """Record the losses of halted lanes that are traced, and set their next pauses.

        Parameters
        ----------
        block : LaneBlock
        lanes : ndarray of int
        paused : ndarray of bool
            Which of them are to go on; among these, those whose pause is another's are passed by.
        """
        restarts, epochs = chosen(block.restart, lanes), chosen(block.epochs, lanes)
        due = ~paused | (epochs >= chosen(self.due, restarts))
        due &= chosen(self._traced_restarts, restarts)
        if not due.all():
            lanes, restarts, epochs, paused = lanes[due], restarts[due], epochs[due], paused[due]
        if not lanes.size:
            return
        losses = self._losses(block, lanes)
        self._points.append((restarts.copy(), epochs * self._per_epoch, losses))
        budgets = chosen(self._budget, restarts)
        if paused.all() and (epochs == epochs[0]).all() and (budgets == budgets[0]).all():
            pauses = self._pauses[int(budgets[0])]  # as a rule: they all run side by side
            self.due[restarts] = pauses[np.searchsorted(pauses, epochs[0], side="right")]
            return
        for budget, pauses in self._pauses.items():
            on = paused & (budgets == budget)
            if on.any():
                later = np.searchsorted(pauses, epochs[on], side="right")
                self.due[restarts[on]] = pauses[later]

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

    def recorded(self) -> Curves:
        """Return all that has been recorded."""
        if not self._points:
            return Curves.none()
        restart, step, loss = self._in_order()
        # a rule that holds where a restart was paused stops it there, without another step
        new = np.ones(len(step), bool)
        new[1:] = (restart[1:] != restart[:-1]) | (step[1:] != step[:-1])
        return (
            Curves(restart, step, loss)
            if new.all()
            else Curves(*(a[new] for a in (restart, step, loss)))
        )

    def _in_order(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Restarts, steps and losses of all points, by restart and then by step."""
        restarts, steps, losses = zip(*self._points, strict=True)
        first = restarts[0]
        if (first[1:] > first[:-1]).all() and all(np.array_equal(first, r) for r in restarts[1:]):
            # a row for each pause, a column for each restart
            restart = np.repeat(first, len(restarts))
            return restart, np.stack(steps, axis=1).ravel(), np.stack(losses, axis=1).ravel()
        restart, step, loss = (np.concatenate(parts) for parts in (restarts, steps, losses))
        order = np.argsort(restart, kind="stable")  # within a restart as recorded, by step
        return restart[order], step[order], loss[order]
