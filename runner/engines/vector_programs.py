"""The programs of vector code that a signature becomes, before LLVM compiles them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from runner.engines.graphs import building, gradient, pt
from runner.engines.simd import lowering
from runner.engines.simd.artifact import Kind, Program
from runner.network.lane import Lane
from runner.network.signature import HYPERPARAMETERS, Signature
from runner.network.step import Step
from runner.network.tensors import Tensor


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
        look, losses = _looking_programs(signature.measured)
        update = _update_program(replace(signature, dtype="float64"))
        return {"loop": loop_program(signature), "look": look, "losses": losses, "update": update}


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
    with building():
        step = _vector_step(signature)
        tensors, lane = _variables(step)
        moved, halted, solved = step.attempt(tensors, lane)
        fixed, nested = [*lane.hyper, *lane.targets], _is_nested(step)
        kind: Kind = ("blocks" if nested else "threads") if gpu else "loop"
        return lowering.lower_loop(
            tensors, fixed, moved, halted, [solved], nested=nested, kind=kind
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
        look, _ = _looking_programs(signature)
        return {"product": program, "look": look}


def _update_program(signature: Signature) -> Program:
    """The program of an update; one with the look before it would take twice as long to compile."""
    step = _vector_step(signature)
    tensors, lane = _variables(step)
    slope = [tensor.type() for tensor in tensors[: step.n_tensors]]
    moved = step.update(tensors, slope, lane)[: step.n_tensors]
    inputs = [*tensors, *slope, *lane.hyper, *lane.targets]
    return lowering.lower_function(inputs, [moved], nested=_is_nested(step))


@lru_cache(maxsize=4)
def _looking_programs(measured: Signature) -> tuple[Program, Program]:
    """The program of a look, and that of its loss alone.

    How a network is trained makes no difference to them: a signature's trained and measured code
    share them, and so do networks that differ in their optimizer or dtype alone.
    """
    step = _vector_step(measured)
    tensors, lane = _variables(step)
    parameters = tensors[: step.n_tensors]
    inputs, seen = [*parameters, *lane.hyper, *lane.targets], step.look(parameters, lane)
    look, losses = lowering.lower_functions(inputs, seen, [len(seen), 1], nested=_is_nested(step))
    return look, losses
