"""Theano 1.0.5 itself as engine: a compiled step with updates, called once for every step.

There is no ``scan`` (Theano's does not build on Python 3.11) and no GPU. A step is what it was in
Theano's own tutorials: a function of no arguments whose ``updates`` move shared variables. It is
the independent check of the default engine, not a fast one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from runner.engines.base import Advance, Compiled, Evaluate, Evaluation, Measured
from runner.engines.environment import environment
from runner.engines.library_output import diverted_output
from runner.errors import ExperimentError
from runner.network.lane import Lane
from runner.network.signature import HYPERPARAMETERS, Signature
from runner.network.step import Step
from runner.network.tensors import Tensor, total

# Theano's compile directory has one lock, for which workers would queue: a directory per process.
_DIRECTORY = tempfile.mkdtemp(prefix="runner-theano-")
atexit.register(shutil.rmtree, _DIRECTORY, ignore_errors=True)
_FLAGS = [f"base_compiledir={_DIRECTORY}", "device=cpu", "blas.ldflags="]
"""Without the last one Theano asks NumPy for its libraries, which NumPy no longer names."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what an old library says: warnings of what it calls, and what it logs."""
    with diverted_output("theano"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# A user's own flags come last and so prevail.
_own_flags = [flags for flags in [os.environ.get("THEANO_FLAGS")] if flags]
with _quiet(), environment(THEANO_FLAGS=",".join([*_FLAGS, *_own_flags])):
    import theano
    import theano.tensor
    from theano.compile.mode import Mode


class _Namespace:
    """``theano.tensor``, with the batched matrix product which it lacks under this name."""

    def __getattr__(self, name: str) -> Any:
        return getattr(theano.tensor, name)

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """Multiply stacks of matrices (n, i, j) and (n, j, k); one of them may have n = 1."""
        # Theano's own batched_dot needs a BLAS library to link with.
        products = a.dimshuffle(0, 1, 2, "x") * b.dimshuffle(0, "x", 1, 2)
        return products.sum(axis=2, acc_dtype=products.dtype)


T = _Namespace()

_SELDOM = Mode(linker="py", optimizer="fast_compile")
"""For what is seldom called: Theano's NumPy implementations, as compiling C takes seconds."""

# Without a C++ compiler (THEANO_FLAGS=cxx=) Theano's own mode would still merge operations for it:
# merged ones it computes number by number, and sums of over 31 terms not at all.
_EVERY_STEP = None if theano.config.cxx else _SELDOM
"""For what is called at every step; None is Theano's own mode."""


def compile(engine: str, signature: Signature, device: str) -> Compiled:
    """Compile one signature's functions for this process.

    Parameters
    ----------
    engine : str
        ``theano``.
    signature : Signature
    device : str
        ``cpu``.

    Returns
    -------
    Compiled
    """
    started = time.perf_counter()
    with _quiet():
        advance = _advance(signature)
        evaluate = _evaluate(replace(signature, dtype="float64"))
    return Compiled(signature, advance, evaluate, time.perf_counter() - started)


def measure(engine: str, signature: Signature, device: str) -> Measured:
    """Refuse: endpoints of any engine's study are evaluated by PyTensor."""
    message = (
        f"engine (--engine) is {engine!r}; expected pytensor, which has the loss's second "
        "derivatives."
    )
    raise ExperimentError(message)


def trace(signature: Signature, parameters: np.ndarray) -> list[np.ndarray]:
    """Evaluate `Step.trace` at parameters (n_parameters, n), in float64."""
    step = Step(T, gradient, replace(signature, layout="lanes", dtype="float64"))
    rows = T.matrix("rows", "float64")
    graph = step.trace(step.packed_layout.unpack(T, rows))
    return [np.asarray(array) for array in _function([rows], graph, mode=_SELDOM)(parameters)]


def interpreted(signature: Signature) -> Evaluate:
    """What evaluates a signature in float64, without compiling."""
    return _evaluate(replace(signature, dtype="float64"))


def gradient(
    seeds: Sequence[tuple[Tensor, Tensor]],
    parameters: Sequence[Tensor],
    held: Sequence[Tensor] = (),
) -> list[Tensor]:
    """Back-propagate (tensor, derivative) pairs to the parameters, and not beyond what is held."""
    # As in `runner.engines.pytensor`, where the reasons are.
    gradients: list[Tensor] = theano.grad(
        total([(seed * tensor).sum() for tensor, seed in seeds]),
        list(parameters),
        consider_constant=[*(seed for _, seed in seeds), *held],
        disconnected_inputs="ignore",
    )
    return list(gradients)


def _function(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Iterable[tuple[Tensor, Tensor]] = (),
    mode: Any = None,
) -> Callable[..., list[np.ndarray]]:
    function: Callable[..., list[np.ndarray]] = theano.function(
        list(inputs), list(outputs), updates=list(updates), mode=mode, on_unused_input="ignore"
    )
    return function


def _shared(
    tensors: Sequence[Tensor], inputs: Sequence[Tensor], arrays: Sequence[np.ndarray]
) -> list[Tensor]:
    """Shared variables of the types and shapes of some tensors."""
    examples = _function(inputs, tensors, mode=_SELDOM)(*arrays)
    return [
        theano.shared(np.asarray(example), broadcastable=tensor.broadcastable)
        for tensor, example in zip(tensors, examples, strict=True)
    ]


def _inputs(step: Step) -> tuple[list[Tensor], list[np.ndarray], list[Tensor], Lane]:
    """Symbolic inputs, an example of each, and what a step makes of them."""
    signature, dtype = step.signature, step.signature.dtype
    n = signature.n_lanes
    state, hyper, targets = (T.matrix(name, dtype) for name in ("state", "hyper", "targets"))
    steps, limit = (T.vector(name, "int32") for name in ("steps", "limit"))
    examples = [
        np.zeros((signature.n_rows, n), dtype),
        np.zeros(n, "int32"),
        np.zeros(n, "int32"),
        np.zeros((len(HYPERPARAMETERS), n), dtype),
        np.zeros((signature.n_targets, n), dtype),
    ]
    rows = [hyper[i] for i in range(len(HYPERPARAMETERS))]
    lane = Lane(rows, step.packed_layout.unpack_targets(T, targets))
    return [state, steps, limit, hyper, targets], examples, step.unpack(state), lane


def _advance(signature: Signature) -> Advance:
    step = Step(T, gradient, signature)
    inputs, examples, tensors, lane = _inputs(step)
    _, steps, limit, _, _ = inputs
    given = [*tensors, steps, limit, *lane.hyper, *lane.targets]
    variables = _shared(given, inputs, examples)
    solved = theano.shared(np.zeros(signature.n_lanes, bool))
    load = _function(inputs, [], zip(variables, given, strict=True), _SELDOM)

    n, n_hyper = len(tensors), len(lane.hyper)
    fixed = variables[n + 2 :]
    inside = Lane(fixed[:n_hyper], fixed[n_hyper:])
    moved, count, found = step.advance(variables[:n], variables[n], variables[n + 1], inside)
    new = [*moved, count, found]
    steps_on = zip([*variables[: n + 1], solved], new, strict=True)
    forward = _function([], [], steps_on, _EVERY_STEP)
    read = _function([], [step.pack(variables[:n]), variables[n], solved], mode=_SELDOM)

    def advance(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        load(*arrays)
        # No lane moves beyond its limit, which pauses for curves lower, so many calls are short.
        _, steps, limit, _, _ = arrays
        for _ in range(min(signature.n_steps, max(0, int((limit - steps).max())))):
            forward()
        state, steps, solved = (np.asarray(array) for array in read())
        return state, steps, solved

    return advance


def _evaluate(signature: Signature) -> Evaluate:
    step = Step(T, gradient, signature)
    (state, _, _, hyper, targets), _, tensors, lane = _inputs(step)
    function = _function([state, hyper, targets], step.evaluate(tensors, lane), mode=_SELDOM)

    def evaluate(*arrays: np.ndarray) -> Evaluation:
        with np.errstate(all="ignore"):  # a diverged restart is a row, not a warning
            return Evaluation(*(np.asarray(array) for array in function(*arrays)))

    return evaluate
