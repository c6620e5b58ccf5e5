"""The programs of vector code that a signature becomes, before LLVM compiles them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from runner.engines.graphs import gradient, pt, pytensor
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


def _untraced() -> AbstractContextManager[None]:
    """Have PyTensor not note where variables are made: that takes a tenth of the time."""
    return pytensor.config.change_flags(traceback__limit=0)


def _vector_step(signature: Signature) -> Step:
    """The step that becomes SIMD code: there a restart's own matrices take the stacks' place."""
    layout = {"stacked": "matrices"}.get(signature.layout, signature.layout)
    return Step(pt, gradient, replace(signature, layout=layout))


def _is_nested(step: Step) -> bool:
    """Whether a step's variables are matrices; see `runner.engines.simd.control_flow.once`."""
    return step.signature.layout == "matrices"


def training_programs(signature: Signature) -> dict[str, Program]:
    """The programs of `vector_code.TrainingCode`; UnknownOperation if one cannot be written."""
    with _untraced():
        evaluating = _evaluating_programs(replace(signature, dtype="float64"))
        return {"loop": loop_program(signature), **evaluating}


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
    with _untraced():
        step = _vector_step(signature)
        tensors, lane = _variables(step)
        moved, halted, solved = step.attempt(tensors, lane)
        fixed, nested = [*lane.hyper, *lane.targets], _is_nested(step)
        kind: Kind = ("blocks" if nested else "threads") if gpu else "loop"
        return lowering.lower_loop(
            tensors, fixed, moved, halted, [solved], nested=nested, kind=kind
        )


def measuring_programs(signature: Signature) -> dict[str, Program]:
    """The programs of `vector_code.MeasuringCode`; UnknownOperation if one cannot be written."""
    with _untraced():
        step = _vector_step(signature)
        tensors, lane = _variables(step)
        directions = [tensor.type() for tensor in tensors]
        product = step.product(tensors, directions, lane)
        inputs = [*tensors, *directions, *lane.hyper, *lane.targets]
        program = lowering.lower_function(inputs, [product], nested=_is_nested(step))
        (look,) = _looking_programs(step, [None])
        return {"product": program, "look": look}


def _evaluating_programs(signature: Signature) -> dict[str, Program]:
    """What is run before and after an update, and the update.

    One program of all would take twice as long to compile.
    """
    step = _vector_step(signature)
    tensors, lane = _variables(step)
    slope = [tensor.type() for tensor in tensors[: step.n_tensors]]
    moved = step.update(tensors, slope, lane)[: step.n_tensors]
    inputs = [*tensors, *slope, *lane.hyper, *lane.targets]
    update = lowering.lower_function(inputs, [moved], nested=_is_nested(step))
    look, losses = _looking_programs(step, [None, 1])
    return {"look": look, "losses": losses, "update": update}


def _looking_programs(step: Step, counts: Sequence[int | None]) -> list[Program]:
    """The program of a look, and those of its first groups of outputs, so many (None: all)."""
    tensors, lane = _variables(step)
    parameters = tensors[: step.n_tensors]
    inputs, seen = [*parameters, *lane.hyper, *lane.targets], step.look(parameters, lane)
    groups = [len(seen) if count is None else count for count in counts]
    return lowering.lower_functions(inputs, seen, groups, nested=_is_nested(step))
