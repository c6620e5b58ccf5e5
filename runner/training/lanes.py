"""Lanes: run, stop and refill restarts until a batch is done.

Times to solution are heavy-tailed, so a lane whose restart has stopped is given the next restart
at once; idle lanes would be the largest waste left. Vector code does so itself and is given a lane
for every restart (`_train_at_once`); of small networks it keeps what curves need, too
(`_train_recording`). Other compiled functions train a fixed number of lanes for a fixed number of
steps, and are given new restarts between calls (`_train_in_turns`). Nothing here can change a
restart's bits: all arithmetic is per lane, and whether a restart is done is decided inside the
compiled step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.base import Compiled
from runner.network.signature import Signature
from runner.training.curves import LossCurves
from runner.training.evaluation import evaluate
from runner.training.lane_block import EMPTY, LaneBlock
from runner.training.pauses import Pauses
from runner.training.restarts import Endpoints, Restarts


@dataclass
class _Stopped:
    """Where restarts stopped, filled in as they do."""

    state: np.ndarray
    """(n_rows, n): packed state."""
    epochs: np.ndarray
    """(n,) int32: epochs made."""
    solved: np.ndarray
    """(n,) bool: whether a restart was solved where a rule stopped it; else undefined."""
    lane_epochs: int = 0
    """As `Endpoints.lane_steps`, in epochs."""

    @classmethod
    def none(cls, signature: Signature, n: int) -> _Stopped:
        state = np.zeros((signature.n_rows, n), signature.dtype)
        return cls(state, np.zeros(n, np.int32), np.zeros(n, bool))

    def add(self, block: LaneBlock, lanes: np.ndarray, solved: np.ndarray) -> None:
        """Note the restarts of lanes that are done."""
        done = block.restart[lanes]
        self.state[:, done], self.epochs[done] = block.state[:, lanes], block.epochs[lanes]
        self.solved[done] = solved[lanes]


def train(compiled: Compiled, restarts: Restarts) -> Endpoints:
    """Train every restart to its end.

    Parameters
    ----------
    compiled : Compiled
    restarts : Restarts

    Returns
    -------
    Endpoints

    Notes
    -----
    A restart stops at the first epoch at which a stopping rule holds, at its budget, or when its
    outputs are no longer finite. ``steps`` and ``state`` do not depend on lane, order, refilling or
    the number of steps per call. ``solved`` is what the stopping rule saw where one stopped the
    restart, and what float64 says where the budget did.
    """
    pauses = Pauses(compiled, restarts)
    if pauses.curves.are_recorded_on_the_way:
        stopped = _train_recording(compiled, restarts, pauses.curves)
    else:
        driver = _train_at_once if compiled.any_lanes else _train_in_turns
        stopped = driver(compiled, restarts, pauses)
    wide = stopped.state.astype(np.float64, copy=False)
    seen = evaluate(compiled, wide, restarts)
    per_epoch = compiled.signature.updates_per_epoch
    steps = stopped.epochs * np.int32(per_epoch)
    early = steps < restarts.max_steps
    finite = np.isfinite(seen.loss)
    solved = np.where(early & finite, stopped.solved, seen.solved & finite)
    lane_steps = stopped.lane_epochs * per_epoch
    curves, met = pauses.curves.recorded(stopped.state, steps, seen.loss), pauses.plateaus.met
    weights = wide[: compiled.signature.architecture.n_parameters]
    return Endpoints(stopped.state, steps, solved, seen, weights, curves, met, lane_steps)


def _train_at_once(compiled: Compiled, restarts: Restarts, pauses: Pauses) -> _Stopped:
    """Train with a function that takes a lane for every restart and returns when all have halted.

    Only restarts that pause need more than one call: these go on, all others are done.
    """
    n, signature = len(restarts), compiled.signature
    stopped = _Stopped.none(signature, n)
    block = LaneBlock.of_all(signature, restarts)
    pauses.begin(block, np.arange(n))
    while block.restart.size:
        taken, solved = block.advance(compiled)
        stopped.lane_epochs += int(taken.sum(dtype=np.int64))
        lanes = np.arange(block.restart.size)
        done = pauses.resume(block, lanes)
        if done.size == n:  # all of them, in their order: nothing to copy
            return _Stopped(block.state, block.epochs, solved, stopped.lane_epochs)
        stopped.add(block, done, solved)
        if done.size:
            left = np.ones(lanes.size, bool)
            left[done] = False
            block = block.taken(np.flatnonzero(left))
    return stopped


def _train_recording(compiled: Compiled, restarts: Restarts, curves: LossCurves) -> _Stopped:
    """Train with a function that keeps what curves need on its way, so that no lane pauses."""
    block = LaneBlock.of_all(compiled.signature, restarts)
    solved = curves.record_on_the_way(block)
    return _Stopped(block.state, block.epochs, solved, int(block.epochs.sum(dtype=np.int64)))


def _train_in_turns(compiled: Compiled, restarts: Restarts, pauses: Pauses) -> _Stopped:
    """Train with a function of a fixed number of lanes and steps: refill, call, empty, repeat."""
    n, signature = len(restarts), compiled.signature
    stopped = _Stopped.none(signature, n)
    block = LaneBlock.empty(signature, signature.n_lanes)
    n_begun = 0
    while True:
        free = np.flatnonzero(block.restart == EMPTY)[: n - n_begun]
        if free.size:
            block.fill(signature, free, restarts, np.arange(n_begun, n_begun + free.size))
            pauses.begin(block, free)
            n_begun += free.size
        occupied = block.restart != EMPTY
        if not occupied.any():
            return stopped
        taken, solved = block.advance(compiled)
        stopped.lane_epochs += int(occupied.sum()) * signature.n_steps
        halted = (taken < signature.n_steps) | (block.epochs >= block.limit)
        done = pauses.resume(block, np.flatnonzero(halted & occupied))
        stopped.add(block, done, solved)
        block.clear(done)
