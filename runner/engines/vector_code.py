"""The vector code of one signature: what is compiled, called and kept for other processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import ClassVar, TypeVar

import numpy as np

from runner.engines import code_cache
from runner.engines.base import (
    Advance,
    Bounds,
    Compiled,
    Evaluate,
    Evaluation,
    Lanczos,
    Look,
    Losses,
    Measured,
    Record,
    SharedOutputs,
)
from runner.engines.simd.artifact import Artifact
from runner.engines.simd.fingerprint import Fingerprint
from runner.engines.simd.machine_code import Function, Loop, Recording, processor
from runner.engines.simd.row_memory import apart, unset_rows
from runner.network.signature import Signature

FINGERPRINTED = ("loop", "look", "update")
"""The programs that tell whether two machines, or versions, train to the same bits."""


@dataclass(frozen=True)
class TrainingCode:
    """The programs that train a signature."""

    TAG: ClassVar = "training"
    """Tells it from other code of the same signature in the code cache."""

    loop: Artifact
    """A training step, repeated; its other output says what is solved."""
    look: Artifact
    """Loss, gradient, outputs and what is solved, at parameters; float64."""
    losses: Artifact
    """The loss of ``look`` alone, by the same arithmetic."""
    update: Artifact
    """Parameters after a step, from a state and a gradient; float64."""
    recording: Artifact | None = None
    """The loop once more, by the same steps, for restarts whose curves are recorded."""
    losses_of_float32: Artifact | None = None
    """The same of parameters in float32, as they are trained."""
    bounds: Artifact | None = None
    """Whether curvature is bounded; see `runner.engines.base.Compiled.bounds`."""
    shared_outputs: Artifact | None = None
    """Which patterns share an output; see `runner.engines.base.Compiled.shared_outputs`."""
    lanczos: Artifact | None = None
    """Lanczos' method; see `runner.engines.base.Compiled.lanczos`."""

    @property
    def fingerprints(self) -> dict[str, Fingerprint]:
        """Of the programs that others do not contain, by name."""
        return {name: getattr(self, name).fingerprint for name in FINGERPRINTED}

    def loaded(self, signature: Signature) -> Compiled:
        """Load the machine code; ``compile_s`` of the result is 0."""
        look, narrow = Function(self.look), _made(Function, self.losses_of_float32)
        losses = _losses(signature, Function(self.losses), narrow)
        evaluate = _evaluator(signature, look, losses, self.update)
        return Compiled(
            signature,
            advancing(Loop(self.loop), apart),
            evaluate,
            0.0,
            any_lanes=True,
            record=_made(lambda a: _recording(signature, Loop(a)), self.recording),
            programs=self.fingerprints,
            look=_look(signature, look),
            losses=losses,
            bounds=_made(lambda a: _bounds(Function(a)), self.bounds),
            lanczos=_made(lambda a: _lanczos(Function(a)), self.lanczos),
            shared_outputs=_made(lambda a: _shared_outputs(Function(a)), self.shared_outputs),
        )


@dataclass(frozen=True)
class MeasuringCode:
    """The programs that evaluate endpoints of a signature, in float64."""

    TAG: ClassVar = "measuring"
    """As in `TrainingCode`."""

    product: Artifact
    """The loss's Hessian times a direction."""
    look: Artifact
    """As in `TrainingCode`."""

    def loaded(self, signature: Signature) -> Measured:
        """Load the machine code."""
        look, function = Function(self.look), Function(self.product)

        def values(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            (loss,), gradient, outputs, _ = look(*arrays)
            return loss, gradient, outputs

        def product(*arrays: np.ndarray) -> np.ndarray:
            return function(*arrays)[0]

        return Measured(signature, values, product, any_lanes=True)


@dataclass(frozen=True)
class KernelCode:
    """The program that a GPU trains a signature by."""

    TAG: ClassVar = "kernel"
    """As in `TrainingCode`."""

    loop: Artifact
    """That of `TrainingCode` for threads; its code is PTX."""


Made = TypeVar("Made")
Code = TypeVar("Code", TrainingCode, MeasuringCode, KernelCode)


def advancing(
    loop: Callable[..., None], copied: Callable[[np.ndarray], np.ndarray] = np.ndarray.copy
) -> Advance:
    """Return what a loop is called by where a signature is trained, given a copy of the state."""

    def advance(
        state: np.ndarray,
        steps: np.ndarray,
        limit: np.ndarray,
        hyper: np.ndarray,
        targets: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        state, steps = copied(state), steps.copy()
        solved = np.zeros(len(steps), bool)
        loop(state, steps, limit, [hyper, targets], [solved])
        return state, steps, solved

    return advance


def _recording(signature: Signature, loop: Loop) -> Record:
    n = signature.architecture.n_parameters

    def record(
        state: np.ndarray,
        limit: np.ndarray,
        hyper: np.ndarray,
        targets: np.ndarray,
        at: np.ndarray,
        places: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        state, steps = apart(state), np.zeros(len(limit), np.int32)
        solved = np.zeros(len(limit), bool)
        points = unset_rows((len(at), n, int(places.max(initial=-1)) + 1), state.dtype)
        recording = Recording(at, places, points)
        loop(state, steps, limit, [hyper, targets], [solved], recording)
        return state, steps, solved, points

    return record


def _look(signature: Signature, function: Function) -> Look:
    n = signature.architecture.n_parameters

    def look(
        state: np.ndarray, hyper: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        (loss,), gradient, *_ = function(state[:n], hyper, targets)
        return loss, gradient

    return look


def _made(make: Callable[[Artifact], Made], artifact: Artifact | None) -> Made | None:
    return None if artifact is None else make(artifact)


def _bounds(function: Function) -> Bounds:
    def bounds(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ((bounded, unsure),) = function(*arrays)
        return bounded, unsure

    return bounds


def _lanczos(function: Function) -> Lanczos:
    def lanczos(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (found,) = function(*arrays)
        return found[:-1], found[-1].astype(int)

    return lanczos


def _shared_outputs(function: Function) -> SharedOutputs:
    def shared_outputs(
        outputs: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, (some_merged, all_merged) = function(outputs, targets)
        return values, some_merged, all_merged

    return shared_outputs


def _losses(signature: Signature, function: Function, narrow: Function | None) -> Losses:
    n = signature.architecture.n_parameters

    def losses(state: np.ndarray, hyper: np.ndarray, targets: np.ndarray) -> np.ndarray:
        parameters, program = state[:n], function
        if state.dtype == np.float32:
            if narrow is None:
                parameters = parameters.astype(np.float64)
            else:
                program = narrow
        loss: np.ndarray = program(parameters, hyper, targets)[0][0]
        return loss

    return losses


def _evaluator(
    signature: Signature, look: Function, losses: Losses, updating: Artifact
) -> Evaluate:
    n, update = signature.architecture.n_parameters, Function(updating)

    def evaluate(state: np.ndarray, hyper: np.ndarray, targets: np.ndarray) -> Evaluation:
        (loss,), gradient, outputs, (solved,) = look(state[:n], hyper, targets)
        (moved,) = update(state, gradient, hyper, targets)
        next_loss = losses(moved, hyper, targets)
        return Evaluation(loss, gradient, outputs, solved, moved, next_loss)

    return evaluate


def store(code: TrainingCode | MeasuringCode | KernelCode, signature: Signature) -> None:
    """Write a signature's code to the code cache, for other processes."""
    artifacts = {field.name: getattr(code, field.name) for field in fields(code)}
    there = {name: artifact for name, artifact in artifacts.items() if artifact is not None}
    code_cache.write(_key(code.TAG, signature), there)


def recall(kind: type[Code], signature: Signature) -> Code | None:
    """Return a signature's code from the code cache; None if it is not there."""
    artifacts = code_cache.read(_key(kind.TAG, signature))
    every = {field.name: field.default is MISSING for field in fields(kind)}
    needed = {name for name, is_needed in every.items() if is_needed}
    if artifacts is None or not needed <= artifacts.keys() <= every.keys():
        return None
    return kind(**artifacts)


def _key(tag: str, signature: Signature) -> tuple[str, ...] | None:
    """Everything that decides the machine code; None if that is not known."""
    if signature.architecture.executes_file:
        return None  # its file may import others
    # Vector code takes any numbers of lanes and steps, and plateaus are met between its calls.
    same = replace(signature, n_lanes=1, n_steps=1, plateau="")
    return (tag, repr(same), *processor())
