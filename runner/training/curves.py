"""Loss curves of traced restarts, recorded at log-spaced steps."""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled
from runner.training.evaluation import evaluate_columns
from runner.training.lane_block import LaneBlock
from runner.training.restarts import Restarts


def checkpoints(max_steps: int) -> np.ndarray:
    """Log-spaced steps at which curves are recorded: about eight per decade, and 0 and the last."""
    exponents = np.arange(0, 8 * np.log10(max(max_steps, 1)) + 1)
    spaced = np.unique(np.round(10 ** (exponents / 8)).astype(np.int64))
    return np.unique(np.concatenate([[0], spaced[spaced < max_steps], [max_steps]]))


class LossCurves:
    """Records the losses of traced restarts by pausing their lanes at `checkpoints`.

    Notes
    -----
    A pause is a lowered limit: the compiled step holds the lane there, exactly as it holds a
    finished one, and continues when the limit is raised. A traced lane therefore halts for one of
    three reasons: it has reached its pause, which is recorded and raised to the next; it has
    reached its budget; or a stopping rule holds, and its steps are under its limit. In the last two
    the restart is done.
    """

    recorded: dict[int, list[tuple[int, float]]]
    """(step, loss) pairs of each traced restart, by its position."""

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        self.recorded = {}
        self._compiled = compiled
        self._restarts = restarts
        self._per_epoch = compiled.signature.updates_per_epoch
        budgets = np.unique(restarts.max_steps // self._per_epoch)
        self._pauses = {int(m): checkpoints(int(m)) for m in budgets}  # in epochs

    def begin(self, block: LaneBlock, lanes: np.ndarray) -> None:
        """Pause the traced restarts among newly filled lanes at step 0."""
        block.limit[self._traced(block, lanes)] = 0

    def resume(self, block: LaneBlock, lanes: np.ndarray) -> np.ndarray:
        """Record the losses of halted lanes, and raise the limits of the paused ones.

        Returns
        -------
        ndarray of int
            The lanes among ``lanes`` whose restarts are done.
        """
        traced = self._traced(block, lanes)
        if not traced.size:
            return lanes
        columns = (array[:, traced] for array in (block.state, block.hyper, block.targets))
        losses = evaluate_columns(self._compiled, *columns).loss
        paused = [
            lane
            for lane, loss in zip(traced.tolist(), losses.tolist(), strict=True)
            if self._record(block, lane, loss)
        ]
        return np.setdiff1d(lanes, paused)

    def _record(self, block: LaneBlock, lane: int, loss: float) -> bool:
        """Record one lane's loss; return whether it was paused and goes on."""
        restart, epoch = int(block.restart[lane]), int(block.epochs[lane])
        step = epoch * self._per_epoch
        points = self.recorded.setdefault(restart, [])
        if not points or points[-1][0] != step:
            points.append((step, loss))
        budget = int(self._restarts.max_steps[restart]) // self._per_epoch
        if epoch < block.limit[lane] or epoch >= budget:
            return False  # stopped by a rule, or out of steps
        pauses = self._pauses[budget]
        block.limit[lane] = pauses[np.searchsorted(pauses, epoch, side="right")]
        return True

    def _traced(self, block: LaneBlock, lanes: np.ndarray) -> np.ndarray:
        traced: np.ndarray = lanes[self._restarts.traced[block.restart[lanes]]]
        return traced
