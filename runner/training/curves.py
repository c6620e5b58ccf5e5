"""Loss curves of traced restarts, recorded at log-spaced steps."""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled
from runner.training.evaluation import losses_of_columns
from runner.training.lane_block import LaneBlock
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
        due = ~paused | (block.epochs[lanes] >= self.due[block.restart[lanes]])
        due &= self._traced_restarts[block.restart[lanes]]
        traced, on = lanes[due], paused[due]
        if not traced.size:
            return
        chosen = slice(None) if traced.size == block.restart.size else traced  # without copies
        columns = (array[:, chosen] for array in (block.state, block.hyper, block.targets))
        losses = losses_of_columns(self._compiled, *columns)
        restarts, epochs = block.restart[traced], block.epochs[traced]
        self._points.append((restarts, epochs * self._per_epoch, losses))
        budgets = self._budget[restarts]
        for budget in np.unique(budgets[on]):
            pauses, which = self._pauses[int(budget)], on & (budgets == budget)
            later = np.searchsorted(pauses, epochs[which], side="right")
            self.due[restarts[which]] = pauses[later]

    def recorded(self) -> Curves:
        """Return all that has been recorded."""
        if not self._points:
            return Curves.none()
        restart, step, loss = (np.concatenate(parts) for parts in zip(*self._points, strict=True))
        order = np.argsort(restart, kind="stable")  # within a restart as recorded, by step
        restart, step, loss = restart[order], step[order], loss[order]
        # a rule that holds where a restart was paused stops it there, without another step
        new = np.ones(len(step), bool)
        new[1:] = (restart[1:] != restart[:-1]) | (step[1:] != step[:-1])
        return Curves(restart[new], step[new], loss[new])
