"""Engines: what turns the symbolic step into a compiled function.

An engine is a module with ``compile(engine, signature, device) -> Compiled``, ``trace(signature,
parameters)`` and ``interpreted(signature) -> Evaluate``. It is imported only where a function is
compiled, so that the command line starts without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import printable, shown
from runner.network.step import HYPERPARAMETERS, Signature

ENGINES = {
    "pytensor": "PyTensor, as SIMD code on CPUs and through its JAX backend on GPUs: the default",
    "pytensor-jax": "PyTensor with its JAX backend everywhere: slower on CPUs",
    "pytensor-numba": "PyTensor with its Numba backend: CPU only, slower to compile",
    "theano": "Theano 1.0.5: CPU only, Python 3.11 only, in an environment of its own",
}
"""Names of the engines and what each is."""


@dataclass(frozen=True)
class Evaluation:
    """Endpoints seen in float64, and one step further."""

    loss: np.ndarray
    """(n,): loss, the L2 term included."""
    gradient: np.ndarray
    """(n_parameters, n): gradient of the loss."""
    outputs: np.ndarray
    """(n_patterns * n_outputs, n): the network's outputs, pattern by pattern."""
    solved: np.ndarray
    """(n,) bool: every output on the right side."""
    moved: np.ndarray
    """(n_parameters, n): parameters after one further step."""
    next_loss: np.ndarray
    """(n,): loss there."""


Advance = Callable[
    [np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tuple[np.ndarray, np.ndarray, np.ndarray],
]
Evaluate = Callable[[np.ndarray, np.ndarray, np.ndarray], Evaluation]


@dataclass(frozen=True)
class Compiled:
    """The compiled functions of one signature."""

    signature: Signature
    """What was compiled."""
    advance: Advance
    """``(state, steps, limit, hyper, targets) -> (state, steps, solved)``: ``n_steps`` steps of
    ``n_lanes`` lanes. state (n_rows, n_lanes), hyper (5, n_lanes) and targets (n_targets, n_lanes)
    have the signature's dtype, steps and limit (n_lanes,) are int32, solved (n_lanes,) is bool and
    tells of a lane that has halted before its limit."""
    evaluate: Evaluate
    """``(state, hyper, targets) -> Evaluation``: the same shapes, all float64."""
    compile_s: float
    """Seconds that building and compiling took."""
    any_lanes: bool = False
    """Whether both take any number of lanes, and ``advance`` goes on until all have halted."""


def check_known(engine: str) -> None:
    """Raise ExperimentError if an engine is unknown."""
    if engine not in tuple(ENGINES):  # a stored plan may hold what cannot be a dict's key
        message = f"--engine is {shown(engine)}; expected one of {', '.join(ENGINES)}."
        raise ExperimentError(message)


def check(engine: str) -> None:
    """Raise ExperimentError if an engine is unknown or what it needs is not installed here."""
    check_known(engine)
    package = _name(engine)
    if find_spec(package) is None:
        message = f"--engine is {engine!r}; expected one whose package is installed: {package}. "
        if package == "theano":
            message += "It has an environment of its own: `make sweep-theano` sets it up."
        else:
            message += "In the environment of Theano 1.0.5 choose --engine theano."
        raise ExperimentError(message)


def trace(
    engine: str, signature: Signature, parameters: np.ndarray
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Pre-activations and outputs of every unit, by the same symbolic network.

    Parameters
    ----------
    engine : str
    signature : Signature
    parameters : ndarray, shape (n_parameters, n), float64

    Returns
    -------
    list of list of (ndarray, ndarray)
        For every pattern and layer: pre-activations and outputs, each (units, n), float64.
    """
    flat = iter(_module(_name(engine)).trace(signature, parameters))
    n_layers = len(signature.architecture.layers)
    return [[(next(flat), next(flat)) for _ in range(n_layers)] for _ in signature.patterns]


def try_out(engine: str, signature: Signature) -> None:
    """Evaluate a user's own model at a few points, to find its mistakes before work is sent.

    Raises
    ------
    ExperimentError
        If it raises, returns what does not fit, or mixes lanes.
    """
    n, net = 4, signature.architecture
    evaluate = _module(_name(engine)).interpreted(replace(signature, n_lanes=n, n_steps=1))
    random = np.random.default_rng(0)
    starts = random.uniform(-1, 1, (2, net.n_parameters, n))
    # within 0 to 1, as an own loss may take logarithms
    targets = random.uniform(0.1, 0.9, (2, signature.n_targets, n))
    starts[1, :, 0], targets[1, :, 0] = starts[0, :, 0], targets[0, :, 0]
    hyper = np.zeros((len(HYPERPARAMETERS), n))
    where = printable(getattr(net, "name", ""))
    try:
        seen = [
            evaluate(signature.start(start, hyper[0]).astype(float), hyper, wanted)
            for start, wanted in zip(starts, targets, strict=True)
        ]
    except ExperimentError:
        raise
    except Exception as error:
        reason = shown(str(error).partition("\n")[0])[1:-1]
        message = (
            f"{where}: evaluating it raises {type(error).__name__}: {reason}; expected a number "
            "per lane. Mend the function."
        )
        raise ExperimentError(message) from error
    first, second = ((s.loss, s.outputs, s.gradient) for s in seen)
    if first[0].shape != (n,) or first[1].shape != (signature.n_targets, n):
        message = f"{where}: it reduces lanes; expected a number per lane. Mend the function."
        raise ExperimentError(message)
    for a, b in zip(first, second, strict=True):
        if not np.allclose(a[..., 0], b[..., 0], rtol=1e-9, atol=0, equal_nan=True):
            message = (
                f"{where}: a lane's result depends on the other lanes; expected elementwise "
                "expressions, no sums or means over a vector. Mend the function."
            )
            raise ExperimentError(message)


def _name(engine: str) -> str:
    return engine.partition("-")[0]


def _module(name: str) -> Any:
    return import_module(f"runner.engines.{name}")


@lru_cache(maxsize=64)
def compiled(engine: str, signature: Signature, device: str = "cpu") -> Compiled:
    """Compile a signature for a kind of device, or return what was compiled before.

    That is kept by this process and, if it is SIMD code, in a folder (see `code_cache`).
    """
    started = time.perf_counter()
    recalled: Compiled | None = _recalled("compiled", engine, signature, device)
    if recalled is not None:
        return replace(recalled, compile_s=time.perf_counter() - started)
    functions: Compiled = _module(_name(engine)).compile(engine, signature, device)
    return functions


def is_simd(engine: str, device: str) -> bool:
    """Whether an engine makes SIMD code for a device, of graphs whose operations all have some."""
    return engine == "pytensor" and device == "cpu"


def _recalled(make: str, engine: str, signature: Signature, device: str) -> Any:
    """What a function of `machine_code` makes of kept code; None where there is none."""
    if not is_simd(engine, device):
        return None
    simd = _module("simd.machine_code")
    return simd.recalled(getattr(simd, make), signature)


Product = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Measured:
    """The compiled functions that look at endpoints of one signature, in float64."""

    signature: Signature
    """What was compiled, a `Signature.measured`: its state is the parameters alone."""
    evaluate: Evaluate
    """As in `Compiled`."""
    product: Product
    """``(parameters, directions, hyper, targets) -> products``: the loss's Hessian times a
    direction per lane; all but hyper and targets are (n_parameters, n_lanes)."""
    any_lanes: bool = False
    """Whether both take any number of lanes."""


@lru_cache(maxsize=64)
def measured(engine: str, signature: Signature, device: str = "cpu") -> Measured:
    """Compile what looks at endpoints, or return what was compiled before, as in `compiled`."""
    recalled: Measured | None = _recalled("measured", engine, signature, device)
    if recalled is not None:
        return recalled
    functions: Measured = _module(_name(engine)).measure(engine, signature, device)
    return functions
