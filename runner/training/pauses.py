"""Pauses of lanes between calls: losses are recorded, plateaus are met.

A pause is a lowered limit: the compiled step holds the lane there, exactly as it holds a finished
one, and goes on when the limit is raised. So what is done at pauses is no part of compiled code,
and a restart that has none keeps its bits.
"""

from __future__ import annotations

import numpy as np

from runner.engines.base import Compiled
from runner.training.curves import LossCurves
from runner.training.lane_block import LaneBlock, chosen, replace
from runner.training.plateaus import Plateaus
from runner.training.restarts import Restarts


class Pauses:
    """Where the lanes of a batch pause, and what is done there.

    Notes
    -----
    A lane halts for one of three reasons: it has reached a pause; it has reached its budget; or a
    stopping rule holds, and its steps are under its limit. In the last two its restart is done.
    """

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        self.curves = LossCurves(compiled, restarts)
        """What was recorded."""
        self.plateaus = Plateaus(compiled, restarts)
        """What was done on plateaus."""
        self._budget = restarts.max_steps // compiled.signature.updates_per_epoch

    def begin(self, block: LaneBlock, lanes: np.ndarray) -> None:
        """Set the first pauses of newly filled lanes (k,) int."""
        self.plateaus.begin(block, lanes)
        self._raise_limits(block, lanes)

    def resume(self, block: LaneBlock, lanes: np.ndarray) -> np.ndarray:
        """Do what is due in halted lanes (k,) int, and raise the limits of those that are paused.

        Returns
        -------
        ndarray, int
            Those of the lanes whose restarts are done.
        """
        epochs, restarts = chosen(block.epochs, lanes), chosen(block.restart, lanes)
        on = (epochs >= chosen(block.limit, lanes)) & (epochs < chosen(self._budget, restarts))
        done: np.ndarray = lanes[~on]
        paused: np.ndarray = lanes[on]
        self.curves.record(block, paused)
        self.plateaus.meet(block, paused)
        self._raise_limits(block, paused)
        return done

    def _raise_limits(self, block: LaneBlock, lanes: np.ndarray) -> None:
        restarts = chosen(block.restart, lanes)
        due = chosen(self.curves.due, restarts), chosen(self.plateaus.due, restarts)
        replace(block.limit, lanes, np.minimum(np.minimum(*due), chosen(self._budget, restarts)))
