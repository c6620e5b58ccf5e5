"""Plateaus: restarts whose loss no longer falls go on from other weights, inside their budget.

Every so many epochs a restart pauses, and its loss is compared with the one at the pause before. If
it has not fallen by the share that is asked for, and the restart is not solved, it begins again
from a new start, or its weights get noise. Both come from the counter-based stream: they depend on
the root seed, the restart's number and on how many came before, and on nothing else.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from runner.engines.base import Compiled, Evaluation
from runner.training.evaluation import evaluate_columns
from runner.training.lane_block import LaneBlock
from runner.training.restarts import PlateauRule, Restarts

NEVER: Final = np.iinfo(np.int32).max
"""Epoch of a pause that does not come: no budget is larger."""


class Plateaus:
    """Looks at restarts at their pauses, and moves those that are on a plateau.

    Notes
    -----
    What is compared is float64's loss, the L2 term included, whatever the dtype in training. A
    restart in which a stopping rule holds is left to it.
    """

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        n = len(restarts)
        self.due = np.full(n, NEVER, np.int32)
        """(n,) int32: epoch of each restart's next pause."""
        self.met = np.zeros(n, np.int64)
        """(n,) int64: how often each restart was moved."""
        self._before = np.zeros(n)
        self._compiled = compiled
        self._rule = restarts.plateau

    def begin(self, block: LaneBlock, lanes: np.ndarray) -> None:
        """Note where newly filled lanes begin."""
        if self._rule is None or not lanes.size:
            return
        restarts = block.restart[lanes]
        self._before[restarts] = self._seen(block, lanes).loss
        self.due[restarts] = self._rule.epochs[restarts]

    def meet(self, block: LaneBlock, lanes: np.ndarray) -> None:
        """Look at paused lanes; move those whose pause it is and that are on a plateau."""
        if self._rule is None:
            return
        lanes = lanes[block.epochs[lanes] >= self.due[block.restart[lanes]]]
        if not lanes.size:
            return
        restarts, seen = block.restart[lanes], self._seen(block, lanes)
        fallen = seen.loss <= (1 - self._rule.fall[restarts]) * self._before[restarts]
        self._before[restarts] = seen.loss
        stuck = ~(fallen | self._stops(block, lanes, seen))
        if stuck.any():
            moved = lanes[stuck]
            self._move(block, moved, self._rule)
            self._before[block.restart[moved]] = self._seen(block, moved).loss
        self.due[restarts] = block.epochs[lanes] + self._rule.epochs[restarts]

    def _seen(self, block: LaneBlock, lanes: np.ndarray) -> Evaluation:
        columns = (array[:, lanes] for array in (block.state, block.hyper, block.targets))
        return evaluate_columns(self._compiled, *columns)

    def _stops(self, block: LaneBlock, lanes: np.ndarray, seen: Evaluation) -> np.ndarray:
        """Whether lanes are solved, stop by a rule or have diverged."""
        rules = self._compiled.signature.stops
        stops: np.ndarray = seen.solved | ~np.isfinite(seen.loss)
        if "loss" in rules:
            stops |= seen.loss <= block.hyperparameter("stop_loss", lanes)
        if "gradient" in rules:
            steepest = np.abs(seen.gradient).max(axis=0)
            stops |= steepest <= block.hyperparameter("stop_gradient", lanes)
        return stops

    def _move(self, block: LaneBlock, lanes: np.ndarray, rule: PlateauRule) -> None:
        signature, restarts = self._compiled.signature, block.restart[lanes]
        n = signature.architecture.n_parameters
        self.met[restarts] += 1
        attempts = self.met[restarts]
        for attempt in np.unique(attempts):
            some = lanes[attempts == attempt]
            some = some[np.argsort(block.restart[some])]
            state = block.state[:, some]
            weights = state[:n].astype(np.float64)
            weights = rule.other_weights(block.restart[some], int(attempt), weights)
            block.state[:, some] = signature.state.again(
                state,
                weights,
                block.hyperparameter("learning_rate", some),
                keep_schedule=signature.plateau == "perturb",
            )
