"""PyTensor as engine: the symbolic step as SIMD code, or scanned and compiled by JAX or Numba.

On a CPU graphs become SIMD code (`runner.engines.simd`). On a GPU, and where an operation has no
SIMD code, they go through PyTensor's JAX backend.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from packaging.version import Version

from runner.engines import jax_backend, vector_code
from runner.engines.base import Advance, Compiled, Evaluate, Evaluation, Measured, Product
from runner.engines.devices import uses_vector_code
from runner.engines.graphs import building, gradient, pt, pytensor
from runner.engines.library_output import diverted_output
from runner.engines.simd import machine_code
from runner.engines.simd.artifact import Artifact, Program
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.fingerprint import Fingerprint
from runner.engines.simd.ptx import ptx
from runner.engines.vector_programs import loop_program, measuring_programs, training_programs
from runner.network.lane import Lane
from runner.network.signature import HYPERPARAMETERS, Signature
from runner.network.step import Step
from runner.network.tensors import Tensor

with diverted_output("pytensor"):
    from pytensor.compile.executor import Function
    from pytensor.compile.mode import Mode, get_mode

# Compiling would take longer. Sums stay nested: PyTensor 3.0.7 runs none of more than 31 terms so.
_SELDOM = Mode(linker="py", optimizer="fast_compile").excluding("local_add_canonizer")

BACKENDS = {"pytensor": "JAX", "pytensor-jax": "JAX", "pytensor-numba": "NUMBA"}


def compile(engine: str, signature: Signature, device: str) -> Compiled:
    """Compile one signature's functions for this process.

    Parameters
    ----------
    engine : str
        A key of `BACKENDS`.
    signature : Signature
    device : str
        Kind of device that this process computes on.

    Returns
    -------
    Compiled
    """
    started = time.perf_counter()
    float64 = replace(signature, dtype="float64")
    reason = f"engine (--engine) is {engine!r}"
    if uses_vector_code(engine, device):
        try:
            code = vector_code.TrainingCode(**_assembled(training_programs(signature)))
        except UnknownOperation as error:
            reason = f"the network's graph: {error} has no vector code"
        else:
            vector_code.store(code, signature)
            return replace(code.loaded(signature), compile_s=time.perf_counter() - started)
    mode = _mode(engine, reason)
    with building():
        advance, evaluate = _advance(signature, mode), _evaluate(float64, mode)
        with diverted_output("pytensor"):
            _warm(signature, advance, evaluate)
    return Compiled(signature, advance, evaluate, time.perf_counter() - started)


def measure(engine: str, signature: Signature, device: str) -> Measured:
    """Compile the functions that look at endpoints.

    Parameters
    ----------
    engine : str
        A key of `BACKENDS`.
    signature : Signature
        See `Signature.measured`.
    device : str
        Kind of device that this process computes on.

    Returns
    -------
    Measured
    """
    reason = f"engine (--engine) is {engine!r}"
    if uses_vector_code(engine, device):
        try:
            code = vector_code.MeasuringCode(**_assembled(measuring_programs(signature)))
        except UnknownOperation as error:
            reason = f"the network's graph: {error} has no vector code"
        else:
            vector_code.store(code, signature)
            return code.loaded(signature)
    mode = _mode(engine, reason)
    with building():
        evaluate, product = _evaluate(signature, mode), _product(signature, mode)
        with diverted_output("pytensor"):
            state, hyper, targets = _zeros(signature, "float64")
            evaluate(state, hyper, targets)
            product(state, state, hyper, targets)

    def values(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        seen = evaluate(*arrays)
        return seen.loss, seen.gradient, seen.outputs

    return Measured(signature, values, product)


def without_vector_code(signature: Signature) -> str:
    """Return the first operation of a signature that has no vector code; empty if all have."""
    try:
        training_programs(signature)
    except UnknownOperation as error:
        return str(error)
    return ""


def fingerprints(signature: Signature) -> dict[str, Fingerprint] | None:
    """Return those of the programs that train a signature; None if an operation has no code."""
    try:
        programs = training_programs(signature)
    except UnknownOperation:
        return None
    return {name: programs[name].fingerprint for name in vector_code.FINGERPRINTED}


def kernel(signature: Signature) -> Artifact | None:
    """Return the PTX that a GPU trains a signature by; None if an operation has none."""
    try:
        program = loop_program(signature, gpu=True)
        code = ptx(program).encode()
    except UnknownOperation:
        return None
    return Artifact(code, program.interface, program.fingerprint)


def _assembled(programs: Mapping[str, Program]) -> dict[str, Artifact]:
    return {name: machine_code.assemble(program) for name, program in programs.items()}


def _mode(engine: str, reason: str) -> Mode:
    """PyTensor's mode of an engine; ExperimentError if it needs JAX, which is not installed."""
    mode: Mode = get_mode(BACKENDS[engine])
    if BACKENDS[engine] == "JAX":
        jax_backend.load(reason)
        # XLA fuses by itself; PyTensor's own fusion only costs time and gives up on large kernels.
        mode = mode.excluding("fusion")
    return mode


def trace(signature: Signature, parameters: np.ndarray) -> list[np.ndarray]:
    """Evaluate `Step.trace` at parameters (n_parameters, n), in float64."""
    step = Step(pt, gradient, replace(signature, layout="lanes", dtype="float64"))
    rows = pt.matrix("rows", dtype="float64")
    graph = step.trace(step.packed_layout.unpack(pt, rows))
    return [np.asarray(a) for a in _function([rows], graph, _SELDOM)(parameters)]


def interpreted(signature: Signature) -> Evaluate:
    """What evaluates a signature in float64 for few calls, without compiling."""
    with building():
        return _evaluate(replace(signature, dtype="float64"), _SELDOM)


def _function(inputs: Sequence[Tensor], outputs: Tensor | Sequence[Tensor], mode: Mode) -> Function:
    """Compile a PyTensor function; what PyTensor says meanwhile is logged."""
    with diverted_output("pytensor"):
        function: Function = pytensor.function(
            list(inputs), outputs, mode=mode, on_unused_input="ignore"
        )
    return function


def _inputs(step: Step) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Lane]:
    dtype = step.signature.dtype
    shape = step.signature.n_lanes
    state = pt.tensor("state", dtype=dtype, shape=(step.signature.n_rows, shape))
    steps = pt.tensor("steps", dtype="int32", shape=(shape,))
    limit = pt.tensor("limit", dtype="int32", shape=(shape,))
    hyper = pt.tensor("hyper", dtype=dtype, shape=(len(HYPERPARAMETERS), shape))
    targets = pt.tensor("targets", dtype=dtype, shape=(step.signature.n_targets, shape))
    rows = [hyper[i] for i in range(len(HYPERPARAMETERS))]
    return (
        state,
        steps,
        limit,
        hyper,
        targets,
        Lane(rows, step.packed_layout.unpack_targets(pt, targets)),
    )


def _advance(signature: Signature, mode: Mode) -> Advance:
    step = Step(pt, gradient, signature)
    state, steps, limit, hyper, targets, lane = _inputs(step)
    tensors = step.unpack(state)
    n, n_hyper = len(tensors), len(HYPERPARAMETERS)

    def inner(*flat: Tensor) -> list[Tensor]:
        carried, count, fixed = list(flat[:n]), flat[n], flat[n + 2 :]
        inside = Lane(fixed[1 : n_hyper + 1], fixed[n_hyper + 1 :])
        moved, count, solved = step.advance(carried, count, fixed[0], inside)
        return [*moved, count, solved]

    traces = pytensor.scan(
        inner,
        outputs_info=[*tensors, steps, pt.zeros_like(steps, dtype="bool")],
        non_sequences=[limit, *lane.hyper, *lane.targets],
        n_steps=signature.n_steps,
        return_updates=False,
        # newer versions take the outer function's mode by themselves, and warn of this argument
        **({"mode": mode} if Version(pytensor.__version__) < Version("3.3") else {}),
    )
    final = [trace[-1] for trace in traces]
    function = _function(
        [state, steps, limit, hyper, targets], [step.pack(final[:n]), final[n], final[n + 1]], mode
    )
    function.trust_input = True

    def advance(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        moved, count, solved = (np.asarray(array) for array in function(*arrays))
        return moved, count, solved

    return advance


def _evaluate(signature: Signature, mode: Mode) -> Evaluate:
    step = Step(pt, gradient, signature)
    state, _, _, hyper, targets, lane = _inputs(step)
    function = _function([state, hyper, targets], step.evaluate(step.unpack(state), lane), mode)

    def evaluate(*arrays: np.ndarray) -> Evaluation:
        return Evaluation(*(np.asarray(array) for array in function(*arrays)))

    return evaluate


def _product(signature: Signature, mode: Mode) -> Product:
    step = Step(pt, gradient, signature)
    state, _, _, hyper, targets, lane = _inputs(step)
    rows = pt.tensor("directions", dtype=signature.dtype, shape=state.type.shape)
    product = step.product(step.unpack(state), step.packed_layout.unpack(pt, rows), lane)
    function = _function([state, rows, hyper, targets], step.packed_layout.pack(pt, product), mode)
    return lambda *arrays: np.asarray(function(*arrays))


def _warm(signature: Signature, advance: Advance, evaluate: Evaluate) -> None:
    """Call both once, so that just-in-time compilation is over (and counted) when work starts."""
    counts = np.zeros(signature.n_lanes, np.int32)
    state, hyper, targets = _zeros(signature, signature.dtype)
    advance(state, counts, counts, hyper, targets)
    evaluate(*_zeros(signature, "float64"))


def _zeros(signature: Signature, dtype: str) -> list[np.ndarray]:
    """A state, hyperparameters and targets of a signature's shapes."""
    rows = (signature.n_rows, len(HYPERPARAMETERS), signature.n_targets)
    return [np.zeros((count, signature.n_lanes), dtype) for count in rows]
