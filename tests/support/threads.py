"""Programs for GPUs beside those for blocks of lanes, and starts that are hard on both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from support.combinations import Combination, OfCube, SingleLayer, few, smaller

from runner.engines.simd.artifact import Program
from runner.engines.simd.machine_code import Loop, assemble
from runner.engines.vector_programs import loop_program
from runner.network.signature import HYPERPARAMETERS, Signature

HARD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310, -5e-324, 1e-42, -1e-45, 1e300, -1e38)
"""Zeros of both signs, subnormal numbers of both dtypes, numbers that overflow in one, none."""

N = 96
"""Restarts of a case."""


@dataclass(frozen=True)
class Ended:
    """What a program leaves behind, as bits."""

    state: np.ndarray
    """(n_rows, n): every NaN is the same one, as processors have different ones."""
    steps: np.ndarray
    """(n,)"""
    solved: np.ndarray
    """(n,)"""

    @property
    def bits(self) -> bytes:
        return b"".join(a.tobytes() for a in (self.state, self.steps, self.solved))


@dataclass(frozen=True)
class Given:
    """What a program is given."""

    state: np.ndarray
    steps: np.ndarray
    limit: np.ndarray
    hyper: np.ndarray
    targets: np.ndarray

    def first(self, n: int) -> Given:
        return Given(*(np.ascontiguousarray(getattr(self, name)[..., :n]) for name in _NAMES))

    def run(self, loop: Any) -> Ended:
        """Run something that is called as a `Loop` is."""
        state, steps = self.state.copy(), self.steps.copy()
        solved = np.zeros(len(steps), bool)
        loop(state, steps, self.limit, [self.hyper, self.targets], [solved])
        return ended(state, steps, solved)


OF_CUBES = [
    OfCube("sigmoid", "sigmoid", "cross-entropy", "momentum", "float32", "stacked", "PARITY-3"),
    OfCube("sigmoid", "linear", "squared-error", "rprop", "float64", "stacked", "PARITY-5"),
]
"""Networks whose patterns are a cube's corners."""

_NAMES = ("state", "steps", "limit", "hyper", "targets")


def ended(state: np.ndarray, steps: np.ndarray, solved: np.ndarray) -> Ended:
    state = state.copy()
    state[np.isnan(state)] = np.nan
    return Ended(state, steps, solved)


def cases() -> list[Combination]:
    """Every activation, output, loss and optimizer, in vectors over lanes and in matrices."""
    return [*(_quick(each) for each in few()), *OF_CUBES]


def _quick(each: Combination) -> Combination:
    """L-BFGS of many parameters is long; a hidden layer adds nothing to it."""
    return smaller(SingleLayer, each) if each.optimizer == "lbfgs" else each


@cache
def signature_of(case: Combination) -> Signature:
    (configuration,) = case.plan.configurations
    signature = configuration.signature()
    if case.layout in signature.architecture.layouts and not signature.rule.by_pattern:
        signature = replace(signature, layout=case.layout)
    return signature


@cache
def programs(signature: Signature) -> tuple[Program, Program]:
    """The program for blocks of lanes, and that for a GPU."""
    lanes, gpu = (loop_program(signature, gpu=each) for each in (False, True))
    return lanes, gpu


@cache
def expected(case: Combination) -> Ended:
    """What vectors make of a case's restarts."""
    lanes, _ = programs(signature_of(case))
    return given(case).run(Loop(assemble(lanes)))


@cache
def given(case: Combination) -> Given:
    """Restarts whose weights are hard on arithmetic in places, with budgets of their own."""
    signature = signature_of(case)
    rng = np.random.default_rng(5)
    starts = rng.normal(0, 2, (signature.architecture.n_parameters, N))
    for k in range(2 * len(HARD)):
        starts[rng.integers(len(starts)), k] = HARD[k % len(HARD)]
    hyper = np.zeros((len(HYPERPARAMETERS), N))
    hyper[0], hyper[1] = 10 ** rng.uniform(-3, 2, N), 0.5
    with np.errstate(over="ignore"):
        state = signature.state.start(starts, hyper[0]).astype(signature.dtype)
    targets = rng.integers(0, 2, (signature.n_targets, N))
    limit = rng.integers(0, 150, N).astype(np.int32)  # more steps than a turn has, and none
    steps = np.zeros(N, np.int32)
    return Given(state, steps, limit, hyper.astype(state.dtype), targets.astype(state.dtype))
