"""The programs of vector code that a signature becomes, before LLVM compiles them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from runner.engines.base import MAX_EXACT
from runner.engines.graphs import building, gradient, pt
from runner.engines.simd import lowering
from runner.engines.simd.artifact import Kind, Program
from runner.engines.simd.shared_outputs import shared_outputs
from runner.network.activations.registry import ACTIVATIONS
from runner.network.lane import Lane
from runner.network.signature import HYPERPARAMETERS, Signature
from runner.network.step import Step
from runner.network.tensors import Tensor

_MOST_OUTPUTS = 7  # of all patterns: NumPy adds more of them in another order, which labels keep


def _variables(step: Step) -> tuple[list[Tensor], Lane]:
    """The state of a step and its lane, as `runner.engines.simd.lowering` expects them."""
    signature, net, nested = step.signature, step.signature.architecture, _is_nested(step)
    number = () if nested else (8,)  # how long a vector is, makes no difference here
    parameters = [shape for _, shape in net.blocks()] if nested else [number] * net.n_parameters
    outputs = (len(signature.patterns), net.n_outputs)

    def make(name: str, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
        return [
            pt.tensor(f"{name}{i}", dtype=signature.dtype, shape=shape)
            for i, shape in enumerate(shapes)
        ]

    counters = [number] * signature.state.n_counters
    state = make("state", [*parameters * (1 + signature.rule.n_slots), *counters])
    hyper = make("hyper", [number] * len(HYPERPARAMETERS))
    targets = make("target", [outputs] if nested else [number] * signature.n_targets)
    return state, Lane(hyper, targets)


def _vector_step(signature: Signature) -> Step:
    """The step that becomes SIMD code: there a restart's own matrices take the stacks' place."""
    layout = {"stacked": "matrices"}.get(signature.layout, signature.layout)
    return Step(pt, gradient, replace(signature, layout=layout))


def _is_nested(step: Step) -> bool:
    """Whether a step's variables are matrices; see `runner.engines.simd.control_flow.once`."""
    return step.signature.layout == "matrices"


@lru_cache(maxsize=16)
def training_programs(signature: Signature) -> Mapping[str, Program]:
    """The programs of `vector_code.TrainingCode`; UnknownOperation if one cannot be written.

    Kept, as who asks whether a network has programs, or which, trains with them afterwards.
    """
    with building():
        measured, is_narrow = signature.measured, signature.dtype == "float32"
        programs = {
            **_loop_programs(signature),
            "look": _look_program(measured),
            "losses": _look_program(measured, 1),  # of its first group alone
            **({"losses_of_float32": _losses_of_float32(measured)} if is_narrow else {}),
            "update": _update_program(replace(signature, dtype="float64")),
            **_labelling_programs(signature),
        }
        n_moving = np.count_nonzero(signature.architecture.trained)
        if not signature.rule.follows_size:
            return programs  # nothing is asked of curvature then
        if n_moving > MAX_EXACT:
            programs["lanczos"] = _lanczos(measured)
        elif n_moving and not _is_nested(_vector_step(measured)):
            programs["bounds"] = _bounds(measured)
        return programs


def _labelling_programs(signature: Signature) -> dict[str, Program]:
    """What labels need beside the network: patterns that share an output."""
    programs: dict[str, Program] = {}
    network, loss = signature.architecture.as_layers, signature.loss
    if network is None or loss is None or signature.n_targets > _MOST_OUTPUTS:
        return programs
    low, high = ACTIVATIONS[network.output].asymptotes
    at_bounds = loss.kind != "cross-entropy" and np.isfinite(high - low)
    bounds = (low, high) if at_bounds else None
    programs["shared_outputs"] = shared_outputs(len(signature.patterns), network.n_outputs, bounds)
    return programs


def loop_program(signature: Signature, *, gpu: bool = False) -> Program:
    """Write the program that repeats a signature's training step.

    Parameters
    ----------
    signature : Signature
    gpu : bool
        Write it for threads, or for blocks of threads where weights are matrices; see
        `runner.engines.simd.control_flow.until_done`.

    Raises
    ------
    UnknownOperation
        If an operation has no vector code.
    """
    nested = _is_nested(_vector_step(signature))
    kind: Kind = ("blocks" if nested else "threads") if gpu else "loop"
    (program,) = _lowered(signature, [kind])
    return program


def _loop_programs(signature: Signature) -> dict[str, Program]:
    """`loop_program`, and the same for restarts whose curves are recorded on their way."""
    if _is_nested(_vector_step(signature)):
        # there lanes that pause together are copied row by row, which is quicker
        return {"loop": loop_program(signature)}
    kinds: list[Kind] = ["loop", "recording"]
    return dict(zip(kinds, _lowered(signature, kinds), strict=True))


def _lowered(signature: Signature, kinds: Sequence[Kind]) -> list[Program]:
    """The programs of some kinds that repeat a signature's training step."""
    with building():
        step = _vector_step(signature)
        tensors, lane = _variables(step)
        moved, halted, solved = step.attempt(tensors, lane)
        fixed, nested = [*lane.hyper, *lane.targets], _is_nested(step)
        return lowering.lower_loops(
            tensors, fixed, moved, halted, [solved], nested=nested, kinds=kinds
        )


def measuring_programs(signature: Signature) -> Mapping[str, Program]:
    """The programs of `vector_code.MeasuringCode`; UnknownOperation if one cannot be written."""
    with building():
        step = _vector_step(signature)
        tensors, lane = _variables(step)
        directions = [tensor.type() for tensor in tensors]
        product = step.product(tensors, directions, lane)
        inputs = [*tensors, *directions, *lane.hyper, *lane.targets]
        program = lowering.lower_function(inputs, [product], nested=_is_nested(step))
        return {"product": program, "look": _look_program(signature)}


def _update_program(signature: Signature) -> Program:
    """The program of an update; one with the look before it would take twice as long to compile."""
    step = _vector_step(signature)
    tensors, lane = _variables(step)
    slope = [tensor.type() for tensor in tensors[: step.n_tensors]]
    moved = step.update(tensors, slope, lane)[: step.n_tensors]
    inputs = [*tensors, *slope, *lane.hyper, *lane.targets]
    return lowering.lower_function(inputs, [moved], nested=_is_nested(step))


@lru_cache(maxsize=4)
def _look(measured: Signature) -> lowering.GroupedGraph:
    """Look at endpoints of a `Signature.measured`.

    How a network is trained makes no difference to that: a signature's trained and measured code
    share it, and so do networks that differ in their optimizer or dtype alone.
    """
    step = _vector_step(measured)
    tensors, lane = _variables(step)
    parameters = tensors[: step.n_tensors]
    inputs, seen = [*parameters, *lane.hyper, *lane.targets], step.look(parameters, lane)
    return lowering.GroupedGraph.of(inputs, seen, nested=_is_nested(step))


@lru_cache(maxsize=32)
def _look_program(measured: Signature, count: int | None = None) -> Program:
    """The program of a look's first groups of outputs; kept for the networks that share it."""
    return _look(measured).program(count)


@lru_cache(maxsize=16)
def _losses_of_float32(measured: Signature) -> Program:
    """The program of a look's loss, of parameters in float32; kept likewise."""
    return _look(measured).program(1, _vector_step(measured).n_tensors)


@lru_cache(maxsize=16)
def _bounds(measured: Signature) -> Program:
    """The program that bounds a look's curvature; kept as the others of a look are."""
    return _look(measured).bounds(np.flatnonzero(measured.architecture.trained).tolist())


@lru_cache(maxsize=16)
def _lanczos(measured: Signature) -> Program:
    """The program of Lanczos' method at what is looked at; kept likewise."""
    moving = np.flatnonzero(measured.architecture.trained).tolist()
    return _look(measured).lanczos(_vector_step(measured).n_tensors, moving)
