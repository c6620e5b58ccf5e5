"""The engines by name: whether one can be used here, and what it compiles."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

import numpy as np

from runner.engines import jax_backend
from runner.engines.base import Compiled, Engine, Measured
from runner.engines.devices import JAX_ENGINES, uses_vector_code
from runner.errors import CompileError, ExperimentError, RunnerError
from runner.errors.messages import printable, shown
from runner.network.signature import HYPERPARAMETERS, Signature

if TYPE_CHECKING:
    from runner.engines.simd.fingerprint import Fingerprint

ENGINES = {
    "pytensor": "PyTensor, as SIMD code on CPUs and through its JAX backend on GPUs: the default",
    "pytensor-jax": "PyTensor with its JAX backend everywhere: slower on CPUs",
    "pytensor-numba": "PyTensor with its Numba backend: CPU only, slower to compile",
    "theano": "Theano 1.0.5: CPU only, Python 3.11 only, in an environment of its own",
}
"""Names of the engines and what each is."""


def check_known(engine: str) -> None:
    """Raise ExperimentError if an engine is unknown."""
    if engine not in tuple(ENGINES):  # a stored plan may hold what cannot be a dict's key
        message = f"engine (--engine) is {shown(engine)}; expected one of {', '.join(ENGINES)}."
        raise ExperimentError(message)


def of_hessians(engine: str) -> str:
    """Return the engine that computes Hessians of what an engine trains: itself if it can."""
    return engine if engine.startswith("pytensor") else "pytensor"


def check(engine: str) -> None:
    """Raise ExperimentError if an engine is unknown or what it needs is not installed here."""
    check_known(engine)
    package = _module_name(engine)
    if find_spec(package) is None:
        message = (
            f"engine (--engine) is {engine!r}; expected one whose package is installed: {package}. "
        )
        if package == "theano":
            message += "It has an environment of its own: `make sweep-theano` sets it up."
        else:
            message += (
                "In the environment of Theano 1.0.5 choose engine 'theano' (--engine theano)."
            )
        raise ExperimentError(message)
    if engine == "pytensor-jax" and not jax_backend.is_installed():
        raise jax_backend.missing(f"engine (--engine) is {engine!r}")


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
    flat = iter(_engine(engine).trace(signature, parameters))
    n_layers = len(signature.architecture.require_layers().layers)
    return [[(next(flat), next(flat)) for _ in range(n_layers)] for _ in signature.patterns]


def try_out(engine: str, signature: Signature) -> None:
    """Evaluate a custom model at a few points, to find its mistakes before work is sent.

    Raises
    ------
    ExperimentError
        If it raises, returns what does not fit, mixes lanes, or needs JAX, which is missing.
    """
    n, net = 4, signature.architecture
    evaluate = _engine(engine).interpreted(replace(signature, n_lanes=n, n_steps=1))
    random = np.random.default_rng(0)
    starts = random.uniform(-1, 1, (2, net.n_parameters, n))
    # within 0 to 1, as an own loss may take logarithms
    targets = random.uniform(0.1, 0.9, (2, signature.n_targets, n))
    starts[1, :, 0], targets[1, :, 0] = starts[0, :, 0], targets[0, :, 0]
    hyper = np.zeros((len(HYPERPARAMETERS), n))
    where = printable(net.title)
    try:
        seen = [
            evaluate(signature.state.start(start, hyper[0]).astype(float), hyper, wanted)
            for start, wanted in zip(starts, targets, strict=True)
        ]
    except ExperimentError:
        raise
    except Exception as error:
        reason = shown(str(error).partition("\n")[0])[1:-1]
        message = (
            f"{where}: evaluating it raises {type(error).__name__}: {reason}; expected a number "
            "per lane. Fix the function."
        )
        raise ExperimentError(message) from error
    first, second = ((s.loss, s.outputs, s.gradient) for s in seen)
    if first[0].shape != (n,) or first[1].shape != (signature.n_targets, n):
        message = f"{where}: it reduces lanes; expected a number per lane. Fix the function."
        raise ExperimentError(message)
    for a, b in zip(first, second, strict=True):
        if not np.allclose(a[..., 0], b[..., 0], rtol=1e-9, atol=0, equal_nan=True):
            message = (
                f"{where}: a lane's result depends on the other lanes; expected elementwise "
                "expressions, no sums or means over a vector. Fix the function."
            )
            raise ExperimentError(message)
    if uses_vector_code(engine, "cpu") and not jax_backend.is_installed():
        operation = _without_vector_code(signature)
        if operation:
            raise jax_backend.missing(f"{where}: {operation} has no vector code")


def may_compute_with_jax(engine: str, device: str, signature: Signature) -> bool:
    """Return whether JAX may decide the bytes of a shard.

    Where it cannot, other versions of JAX, or none, train the same bytes: a study need not be
    refused for them, nor a worker.

    Parameters
    ----------
    engine : str
        A key of `ENGINES`.
    device : str
        Kind of device that trains the shard; what is not ``cpu`` may be a GPU.
    signature : Signature
        What is trained.

    Notes
    -----
    Layers of units have vector code, whatever their settings. A custom model may hold an
    operation that has none; to find out its code is executed, so for one that is not trusted the
    answer is yes.
    """
    if engine not in JAX_ENGINES:
        return False
    if not uses_vector_code(engine, device):
        return True
    network = signature.architecture
    if not network.executes_file:
        return False
    return not network.is_trusted or bool(_without_vector_code(signature))


def programs(engine: str, signature: Signature) -> Mapping[str, Fingerprint] | None:
    """Return fingerprints of the programs by which a signature would be trained on a CPU here.

    Returns
    -------
    mapping of str to Fingerprint, optional
        None where another engine computes, or nothing may tell: a custom model's code is not to be
        executed, or holds an operation without vector code.
    """
    network = signature.architecture
    if not uses_vector_code(engine, "cpu") or (network.executes_file and not network.is_trusted):
        return None
    from runner.engines import vector_code

    code = vector_code.recall(vector_code.TrainingCode, signature)
    if code is not None:
        return code.fingerprints
    from runner.engines import pytensor

    return pytensor.fingerprints(signature)


def _without_vector_code(signature: Signature) -> str:
    """Return an operation of a signature that has no vector code; empty if all have."""
    from runner.engines import pytensor

    return pytensor.without_vector_code(signature)


def _module_name(engine: str) -> str:
    return engine.partition("-")[0]


def _engine(engine: str) -> Engine:
    return cast(Engine, import_module(f"runner.engines.{_module_name(engine)}"))


@contextmanager
def _compiling(engine: str, signature: Signature) -> Iterator[None]:
    """Turn whatever an engine raises into CompileError, but for what the machine is to blame for.

    Notes
    -----
    A machine without memory or disk says nothing of the network: its task is tried elsewhere. The
    text is that of XLA on a GPU whose memory is in use; its type is a RuntimeError of JAX's own.
    """
    try:
        yield
    except (RunnerError, MemoryError, OSError):
        raise
    except Exception as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            raise
        reason = shown(str(error).strip().partition("\n")[0])[1:-1]
        message = (
            f"engine (--engine) is {engine!r}; expected one that can compile "
            f"{_described(signature)}. It raises {type(error).__name__}: {reason}. "
            "Choose another engine or change the network."
        )
        raise CompileError(message) from error


def _described(signature: Signature) -> str:
    loss = f", {signature.loss.kind}" if signature.loss else ""
    network = printable(signature.architecture.title)
    return f"{network}{loss}, {signature.optimizer}, {signature.dtype}"


@lru_cache(maxsize=64)
def compiled(engine: str, signature: Signature, device: str = "cpu") -> Compiled:
    """Compile what trains a signature on a kind of device, or return what was compiled before.

    This process keeps it and, if it is vector code, the code cache does for others.

    Raises
    ------
    CompileError
        If the engine cannot compile it.
    ExperimentError
        If it needs JAX, which is not installed.
    """
    started = time.perf_counter()
    if uses_vector_code(engine, device):
        from runner.engines import vector_code

        code = vector_code.recall(vector_code.TrainingCode, signature)
        if code is not None:
            return replace(code.loaded(signature), compile_s=time.perf_counter() - started)
    with _compiling(engine, signature):
        return _engine(engine).compile(engine, signature, device)


@lru_cache(maxsize=64)
def on_gpu(engine: str, signature: Signature) -> Compiled | None:
    """Compile what trains a signature on this process's GPU to the bits that a CPU gives.

    Parameters
    ----------
    engine : str
    signature : Signature
        As CPUs train it.

    Returns
    -------
    Compiled, optional
        None where `compiled` has to be used: there is no GPU that NVIDIA's packages know, the
        network has no kernel, or the GPU does not give a CPU's bits, which is logged.
    """
    if not uses_vector_code(engine, "cpu"):
        return None
    from runner.engines import cuda_device

    device = cuda_device.device()
    if device is None:
        return None
    from runner.engines import gpu_kernel

    with _compiling(engine, signature):
        return gpu_kernel.of(compiled(engine, signature), device)


@lru_cache(maxsize=64)
def measured(engine: str, signature: Signature, device: str = "cpu") -> Measured:
    """Compile what evaluates endpoints, or return what was compiled before, as in `compiled`."""
    if uses_vector_code(engine, device):
        from runner.engines import vector_code

        code = vector_code.recall(vector_code.MeasuringCode, signature)
        if code is not None:
            return code.loaded(signature)
    with _compiling(engine, signature):
        return _engine(engine).measure(engine, signature, device)
