"""Lanes: run, stop and refill restarts until a batch is done.

Times to solution are heavy-tailed, so a lane whose restart has stopped is given the next restart
at once; idle lanes would be the largest waste left. SIMD code does so itself and is given a lane
for every restart. Other compiled functions train a fixed number of lanes for a fixed number of
steps, and are given new restarts between calls. Nothing here can change a restart's bits: all
arithmetic is per lane, and whether a restart is done is decided inside the compiled step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.base import Compiled, Evaluation
from runner.network.signature import HYPERPARAMETERS


@dataclass(frozen=True)
class Restarts:
    """n restarts of one signature, ready to train."""

    starts: np.ndarray
    """(n_parameters, n) float64: starting weights."""
    hyper: np.ndarray
    """(5, n) float64: rows named by `HYPERPARAMETERS`."""
    targets: np.ndarray
    """(n_tables, n_targets) float64: one row per truth table."""
    table: np.ndarray
    """(n,) int: row of ``targets`` of each restart."""
    max_steps: np.ndarray
    """(n,) int32: step budget."""
    traced: np.ndarray
    """(n,) bool: restarts whose loss curve is recorded."""


@dataclass(frozen=True)
class Endpoints:
    """Where n restarts ended."""

    state: np.ndarray
    """(n_rows, n): packed state, the signature's dtype; its first rows are the weights."""
    steps: np.ndarray
    """(n,) int32: updates made."""
    solved: np.ndarray
    """(n,) bool: every output on the right side."""
    seen: Evaluation
    """The endpoints in float64."""
    curves: dict[int, list[tuple[int, float]]]
    """(step, loss) pairs of each traced restart, by its position."""
    lane_steps: int
    """Steps of all calls for the lanes that held a restart, useful or not, as far as is known."""


def checkpoints(max_steps: int) -> np.ndarray:
    """Log-spaced steps at which curves are recorded: about eight per decade, and 0 and the last."""
    exponents = np.arange(0, 8 * np.log10(max(max_steps, 1)) + 1)
    spaced = np.unique(np.round(10 ** (exponents / 8)).astype(np.int64))
    return np.unique(np.concatenate([[0], spaced[spaced < max_steps], [max_steps]]))


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
    A restart stops at the first step at which a stopping rule holds, at its budget, or when its
    outputs are no longer finite. ``steps`` and ``state`` do not depend on lane, order, refilling or
    the number of steps per call. ``solved`` is what the stopping rule saw where one stopped the
    restart, and the float64 verdict where the budget did.
    """
    signature = compiled.signature
    n = restarts.starts.shape[1]
    n_lanes = n if compiled.any_lanes else signature.n_lanes
    dtype = np.dtype(signature.dtype)
    ended = np.zeros((signature.n_rows, n), dtype)
    ended_steps = np.zeros(n, np.int32)
    flagged = np.zeros(n, bool)

    state = np.zeros((signature.n_rows, n_lanes), dtype)
    hyper = np.zeros((len(HYPERPARAMETERS), n_lanes), dtype)
    targets = np.zeros((signature.n_targets, n_lanes), dtype)
    steps = np.zeros(n_lanes, np.int32)
    limit = np.zeros(n_lanes, np.int32)  # an empty lane has a limit of 0 and so never moves
    holds = np.full(n_lanes, -1)  # which restart each lane holds
    curves = Curves(compiled, restarts)
    first_empty, held = 0, 0
    free = np.arange(n_lanes)
    while True:
        if free.size and first_empty < n:
            lanes = free[: n - first_empty]
            new = np.arange(first_empty, first_empty + lanes.size)
            first_empty += lanes.size
            state[:, lanes] = signature.state.start(restarts.starts[:, new], restarts.hyper[0, new])
            hyper[:, lanes] = restarts.hyper[:, new]
            targets[:, lanes] = restarts.targets[restarts.table[new]].T
            steps[lanes], limit[lanes], holds[lanes] = 0, restarts.max_steps[new], new
            free = free[lanes.size :]
            curves.begin(lanes, holds, limit)
        if free.size == n_lanes:
            break
        before = steps
        moved, steps, solved = compiled.advance(state, steps, limit, hyper, targets)
        if compiled.any_lanes:
            held += int((steps - before).sum(dtype=np.int64))
            halted = np.ones(n_lanes, bool)
        else:
            held += (n_lanes - free.size) * signature.n_steps
            halted = (steps - before < signature.n_steps) | (steps >= limit)
        lanes = np.flatnonzero(halted & (holds >= 0))
        if not lanes.size:
            state = moved
            continue
        state, steps = moved.copy(), steps.copy()
        lanes = curves.resume(lanes, holds, steps, limit, state, hyper, targets)
        done = holds[lanes]
        ended[:, done], ended_steps[done] = state[:, lanes], steps[lanes]
        flagged[done] = solved[lanes]
        holds[lanes], limit[lanes], steps[lanes] = -1, 0, 0
        free = np.concatenate([free, lanes])

    seen = evaluate(compiled, ended, restarts)
    early = ended_steps < restarts.max_steps
    finite = np.isfinite(seen.loss)
    verdict = np.where(early & finite, flagged, seen.solved & finite)
    return Endpoints(ended, ended_steps, verdict, seen, curves.recorded, held)


def evaluate(compiled: Compiled, state: np.ndarray, restarts: Restarts) -> Evaluation:
    """Evaluate packed states (n_rows, n) in float64, as many at a time as a call takes."""
    if compiled.any_lanes:
        targets = restarts.targets[restarts.table].T
        return compiled.evaluate(state.astype(np.float64), restarts.hyper, targets)
    n, n_lanes = state.shape[1], compiled.signature.n_lanes
    parts: list[list[np.ndarray]] = []
    for start in range(0, n, n_lanes):
        block = np.arange(start, min(start + n_lanes, n))
        padded = np.pad(block, (0, n_lanes - block.size), mode="edge")
        seen = compiled.evaluate(
            state[:, padded].astype(np.float64),
            restarts.hyper[:, padded],
            np.ascontiguousarray(restarts.targets[restarts.table[padded]].T),
        )
        parts.append([np.asarray(a)[..., : block.size] for a in vars(seen).values()])
    return Evaluation(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))


class Curves:
    """Records the losses of traced restarts by pausing their lanes at log-spaced steps.

    A pause is a lowered limit: the compiled step holds the lane there, exactly as it holds a
    finished one, and continues when the limit is raised.
    """

    def __init__(self, compiled: Compiled, restarts: Restarts) -> None:
        self.compiled = compiled
        self.restarts = restarts
        self.recorded: dict[int, list[tuple[int, float]]] = {}
        self._pauses = {int(m): checkpoints(int(m)) for m in np.unique(restarts.max_steps)}

    def begin(self, lanes: np.ndarray, holds: np.ndarray, limit: np.ndarray) -> None:
        """Pause the traced restarts among newly filled lanes at step 0."""
        traced = lanes[self.restarts.traced[holds[lanes]]]
        limit[traced] = 0

    def resume(
        self,
        lanes: np.ndarray,
        holds: np.ndarray,
        steps: np.ndarray,
        limit: np.ndarray,
        state: np.ndarray,
        hyper: np.ndarray,
        targets: np.ndarray,
    ) -> np.ndarray:
        """Record the losses of halted lanes, raise the limits of the paused ones.

        Returns
        -------
        ndarray of int
            The lanes among ``lanes`` whose restarts are done.
        """
        traced = lanes[self.restarts.traced[holds[lanes]]]
        if not traced.size:
            return lanes
        looked = traced if self.compiled.any_lanes else np.arange(len(holds))
        seen = self.compiled.evaluate(
            *(array[:, looked].astype(np.float64) for array in (state, hyper, targets))
        )
        losses = dict(zip(looked.tolist(), seen.loss.tolist(), strict=True))
        paused = []
        for lane in traced:
            restart, step, loss = int(holds[lane]), int(steps[lane]), losses[int(lane)]
            points = self.recorded.setdefault(restart, [])
            if not points or points[-1][0] != step:
                points.append((step, loss))
            budget = int(self.restarts.max_steps[restart])
            if step < limit[lane] or step >= budget:
                continue  # stopped by a rule, or out of steps
            pauses = self._pauses[budget]
            limit[lane] = pauses[np.searchsorted(pauses, step, side="right")]
            paused.append(lane)
        return np.setdiff1d(lanes, paused)
