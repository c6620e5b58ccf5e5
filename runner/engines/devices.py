"""Kinds of device: what a worker can offer, and whether this process has it."""

from __future__ import annotations

import os
import re
import sys
from functools import cache

from runner.errors import ClusterError

KINDS = ("gpu", "cpu")
"""Kinds of device, the ones that get work first in front; a worker's resource is the capitals."""

JAX_ENGINES = ("pytensor", "pytensor-jax")
"""Engines that can compute through JAX, and so on a GPU too."""

PRETEND_VARIABLE = "RUNNER_PRETEND_GPU"
"""For tests only: set to 1, a worker that offers GPU may compute on a CPU."""


def uses_vector_code(engine: str, device: str) -> bool:
    """Return whether an engine writes vector code for a device, of graphs that have some."""
    return engine == "pytensor" and device == "cpu"


@cache
def require(kind: str, engine: str = "pytensor") -> None:
    """Make this process compute on a kind of device.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    engine : str
        A key of `runner.engines.registry.ENGINES`.

    Raises
    ------
    ClusterError
        If JAX is missing or computes on another kind here, or the engine knows none but the CPU.
    """
    if engine not in JAX_ENGINES:
        if kind != "cpu":
            message = (
                f"engine (--engine) is {engine!r}, which computes on CPUs only; expected "
                "'pytensor'."
            )
            raise ClusterError(message)
        return
    if kind == "cpu" and "jax" not in sys.modules:
        # else JAX would take a part of a GPU that is there for another worker
        os.environ["JAX_PLATFORMS"] = "cpu"
        return
    if computing(kind) != kind:
        return
    if engine == "pytensor" and kind == "gpu":
        from runner.engines import cuda_device  # which loads NumPy, and `--help` this file

        if cuda_device.device() is not None:
            return  # what has no kernel asks for JAX when it is compiled
    require_jax(kind)


def require_jax(kind: str) -> None:
    """Raise ClusterError if JAX is missing or computes on another kind of device here."""
    from runner.engines.jax_backend import INSTALL_GPU, is_installed, platform

    if not is_installed():
        message = (
            f"a worker offers {kind.upper()}, on which JAX computes; expected JAX, which is not "
            f"installed there. {INSTALL_GPU}"
        )
        raise ClusterError(message)
    found = platform()
    if found != kind:
        message = (
            f"a worker offers {kind.upper()}, but JAX computes on {found!r} there; expected "
            f"{kind!r}. Start it where there is one (for a GPU: an NVIDIA driver and the extra "
            '`cuda`, which is requirements/cuda.txt), or offer "CPU=1".'
        )
        raise ClusterError(message)


def require_hessians(kind: str, engine: str) -> None:
    """Raise ClusterError if this process cannot compute an engine's Hessians on a kind of device.

    A GPU's kernels train; what inspects endpoints is computed there by JAX alone.
    """
    if kind == "gpu" and engine in JAX_ENGINES and computing(kind) == kind:
        require_jax(kind)


def computing(kind: str) -> str:
    """Return the kind of device that work for a kind is done on: another one in tests only."""
    return "cpu" if os.environ.get(PRETEND_VARIABLE) == "1" else kind


def choose_gpu(worker_name: object) -> None:
    """Give a worker process named ``...gpu-N`` the N-th of the GPUs that it may see."""
    number = re.search(r"(?:^|\W)gpu-(\d+)$", str(worker_name))
    if number is None:
        return
    index = int(number[1])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = visible.split(",") if visible else [str(n) for n in range(index + 1)]
    if index >= len(chosen):
        message = (
            f"worker {worker_name} wants GPU number {index}, but CUDA_VISIBLE_DEVICES is "
            f"{visible!r}; expected more than {index}. Start no more workers than GPUs."
        )
        raise ClusterError(message)
    os.environ["CUDA_VISIBLE_DEVICES"] = chosen[index]
