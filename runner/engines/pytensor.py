"""PyTensor as engine: the symbolic step as SIMD code, or scanned and compiled by JAX or Numba.

On a CPU graphs become SIMD code (`runner.engines.simd`). On a GPU, and where an operation has no
SIMD code, they go through PyTensor's JAX backend.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from runner.engines.registry import Compiled, Evaluation, Measured, is_simd
from runner.network.architecture import total
from runner.network.step import HYPERPARAMETERS, Lane, Signature, Step

# Read by PyTensor and XLA at import. One thread per worker process: workers are the parallelism.
# No C++ compiler is needed, which also avoids PyTensor's shared compile directory and its lock.
os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
if "XLA_FLAGS" not in os.environ:
    os.environ["XLA_FLAGS"] = (
        "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        " --xla_gpu_deterministic_ops=true"
    )

import pytensor
import pytensor.tensor as pt
from packaging.version import Version
from pytensor.compile.mode import Mode, get_mode

from runner.engines.simd import graphs, machine_code
from runner.engines.simd.line import UnknownOperation

# Numba keeps what it has compiled, and inlines otherwise when it reads that back. Where it may
# reorder sums and leave out roundings, bits would tell which of the two a process has done.
pytensor.config.numba__fastmath = False

_SELDOM = Mode(linker="py", optimizer="fast_compile")  # compiling would take longer

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
    seen = replace(signature, dtype="float64")
    if is_simd(engine, device):
        with suppress(UnknownOperation), _untraced():
            loop, looks = _simd_loop(signature), _simd_looks(seen)
            machine_code.keep(machine_code.compiled, signature, {"loop": loop, **looks})
            functions = machine_code.compiled(signature, loop=loop, **looks)
            return replace(functions, compile_s=time.perf_counter() - started)
    mode = _mode(engine)
    advance, evaluate = _advance(signature, mode), _evaluate(seen, mode)
    _warm(signature, advance, evaluate)
    return Compiled(signature, advance, evaluate, time.perf_counter() - started)


def measure(engine: str, signature: Signature, device: str) -> Measured:
    """Compile the functions that look at endpoints; XLA compiles each when it is first called.

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
    if is_simd(engine, device):
        with suppress(UnknownOperation), _untraced():
            parts = {"product": _simd_product(signature)} | _simd_looks(signature)
            machine_code.keep(machine_code.measured, signature, parts)
            return machine_code.measured(signature, **parts)
    mode = _mode(engine)
    return Measured(signature, _evaluate(signature, mode), _product(signature, mode))


def _mode(engine: str) -> Any:
    mode = get_mode(BACKENDS[engine])
    if BACKENDS[engine] == "JAX":
        # XLA fuses by itself; PyTensor's own fusion only costs time and gives up on large kernels.
        return mode.excluding("fusion")
    return mode


def platform() -> str:
    """Return the kind of device that JAX computes on in this process: cpu, gpu or another."""
    import jax

    return str(jax.devices()[0].platform)


def trace(signature: Signature, parameters: np.ndarray) -> list[np.ndarray]:
    """Evaluate `Step.trace` at parameters (n_parameters, n), in float64."""
    step = Step(pt, gradient, replace(signature, layout="lanes", dtype="float64"))
    rows = pt.matrix("rows", dtype="float64")
    graph = step.trace(step.layout.unpack(pt, rows))
    return [np.asarray(a) for a in pytensor.function([rows], graph, mode=_SELDOM)(parameters)]


def interpreted(signature: Signature) -> Any:
    """What evaluates a signature in float64 for few calls, without compiling."""
    return _evaluate(replace(signature, dtype="float64"), _SELDOM)


def gradient(seeds: Sequence[tuple[Any, Any]], parameters: Sequence[Any]) -> list[Any]:
    """Back-propagate (tensor, derivative) pairs to the parameters, symbolically."""
    # A vector-Jacobian product: the derivative of sum(seed * tensor) with the seeds held constant.
    # (known_grads would not do: a pre-activation can be a bias itself, and is then overridden.)
    # A step unit has no derivative; parameters before it are disconnected and their gradient is 0.
    gradients: Any = pytensor.grad(
        total([(seed * tensor).sum() for tensor, seed in seeds]),
        list(parameters),
        consider_constant=[seed for _, seed in seeds],
        disconnected_inputs="ignore",
    )
    return list(gradients)


def _inputs(step: Step) -> tuple[Any, Any, Any, Any, Any, Lane]:
    dtype = step.signature.dtype
    shape = step.signature.n_lanes
    state = pt.tensor("state", dtype=dtype, shape=(step.signature.n_rows, shape))
    steps = pt.tensor("steps", dtype="int32", shape=(shape,))
    limit = pt.tensor("limit", dtype="int32", shape=(shape,))
    hyper = pt.tensor("hyper", dtype=dtype, shape=(len(HYPERPARAMETERS), shape))
    targets = pt.tensor("targets", dtype=dtype, shape=(step.signature.n_targets, shape))
    rows = [hyper[i] for i in range(len(HYPERPARAMETERS))]
    return state, steps, limit, hyper, targets, Lane(rows, step.layout.targets(pt, targets))


def _variables(step: Step) -> tuple[list[Any], Lane]:
    """The state of a step and its lane, as SIMD code takes them; see `loops`."""
    signature, net, nested = step.signature, step.signature.architecture, _is_nested(step)
    number = () if nested else (8,)  # how long a vector is, makes no difference here
    parameters = [shape for _, shape in net.blocks()] if nested else [number] * net.n_parameters
    outputs = (len(signature.patterns), net.n_outputs)

    def make(name: str, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
        return [
            pt.tensor(f"{name}{i}", dtype=signature.dtype, shape=shape)
            for i, shape in enumerate(shapes)
        ]

    counters = [number] * len(signature.rule.counters)
    state = make("state", [*parameters * (1 + signature.rule.n_slots), *counters])
    hyper = make("hyper", [number] * len(HYPERPARAMETERS))
    targets = make("target", [outputs] if nested else [number] * signature.n_targets)
    return state, Lane(hyper, targets)


def _untraced() -> Any:
    """Have PyTensor not note where variables are made: that takes a tenth of the time."""
    return pytensor.config.change_flags(traceback__limit=0)


def _simd_step(signature: Signature) -> Step:
    """The step that becomes SIMD code: there a restart's own matrices take the stacks' place."""
    layout = {"stacked": "matrices"}.get(signature.layout, signature.layout)
    return Step(pt, gradient, replace(signature, layout=layout))


def _is_nested(step: Step) -> bool:
    """Whether a step's variables are matrices of a restart; see `runner.engines.simd.loops`."""
    return step.signature.layout == "matrices"


def _simd_loop(signature: Signature) -> machine_code.Loop:
    step = _simd_step(signature)
    tensors, lane = _variables(step)
    moved, halted, found = step.attempt(tensors, lane)
    fixed = [*lane.hyper, *lane.targets]
    return graphs.loop(tensors, fixed, moved, halted, [found], nested=_is_nested(step))


def _simd_looks(signature: Signature) -> dict[str, machine_code.Function]:
    step = _simd_step(signature)
    tensors, lane = _variables(step)
    parameters, settings = tensors[: step.n_tensors], [*lane.hyper, *lane.targets]
    slope = [tensor.type() for tensor in parameters]
    # A look is taken before and after a move: one graph of all would take twice as long to compile.
    moved = step.update(tensors, slope, lane)[: step.n_tensors]
    looks = step.look(parameters, lane)
    return {
        "look": graphs.function([*parameters, *settings], looks, nested=_is_nested(step)),
        "moves": graphs.function([*tensors, *slope, *settings], [moved], nested=_is_nested(step)),
    }


def _simd_product(signature: Signature) -> machine_code.Function:
    step = _simd_step(signature)
    tensors, lane = _variables(step)
    directions = [tensor.type() for tensor in tensors]
    product = step.product(tensors, directions, lane)
    inputs = [*tensors, *directions, *lane.hyper, *lane.targets]
    return graphs.function(inputs, [product], nested=_is_nested(step))


def _advance(signature: Signature, mode: Any) -> Any:
    step = Step(pt, gradient, signature)
    state, steps, limit, hyper, targets, lane = _inputs(step)
    tensors = step.unpack(state)
    n, n_hyper = len(tensors), len(HYPERPARAMETERS)

    def inner(*flat: Any) -> list[Any]:
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
    function = pytensor.function(
        [state, steps, limit, hyper, targets],
        [step.pack(final[:n]), final[n], final[n + 1]],
        mode=mode,
        on_unused_input="ignore",
    )
    function.trust_input = True

    def advance(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(array) for array in function(*arrays))

    return advance


def _evaluate(signature: Signature, mode: Any) -> Any:
    step = Step(pt, gradient, signature)
    state, _, _, hyper, targets, lane = _inputs(step)
    function = pytensor.function(
        [state, hyper, targets],
        step.evaluate(step.unpack(state), lane),
        mode=mode,
        on_unused_input="ignore",
    )

    def evaluate(*arrays: np.ndarray) -> Evaluation:
        return Evaluation(*(np.asarray(array) for array in function(*arrays)))

    return evaluate


def _product(signature: Signature, mode: Any) -> Any:
    step = Step(pt, gradient, signature)
    state, _, _, hyper, targets, lane = _inputs(step)
    rows = pt.tensor("directions", dtype=signature.dtype, shape=state.type.shape)
    product = step.product(step.unpack(state), step.layout.unpack(pt, rows), lane)
    function = pytensor.function(
        [state, rows, hyper, targets],
        step.layout.pack(pt, product),
        mode=mode,
        on_unused_input="ignore",
    )
    return lambda *arrays: np.asarray(function(*arrays))


def _warm(signature: Signature, advance: Any, evaluate: Any) -> None:
    """Call both once, so that just-in-time compilation is over (and counted) when work starts."""
    n = signature.n_lanes
    counts = np.zeros(n, np.int32)
    for function, dtype, extra in (
        (advance, signature.dtype, (counts, counts)),
        (evaluate, "float64", ()),
    ):
        state = np.zeros((signature.n_rows, n), dtype)
        hyper = np.zeros((len(HYPERPARAMETERS), n), dtype)
        function(state, *extra, hyper, np.zeros((signature.n_targets, n), dtype))
