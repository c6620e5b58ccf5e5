"""JAX, which PyTensor's graphs go through on GPUs and with ``pytensor-jax``: an optional package.

On CPUs the default engine writes vector code of its own and never loads JAX, so the runner installs
without it. The extra ``jax`` has it for CPUs, the extra ``cuda`` for NVIDIA GPUs.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from runner.errors import ExperimentError

INSTALL_CPU = (
    "Install JAX with the runner's extra `jax`, in a checkout `pip install '.[jax]'`; for NVIDIA "
    "GPUs it is the extra `cuda`."
)
"""What to do where JAX is missing."""

INSTALL_GPU = (
    "Install it with the runner's extra `cuda`, in a checkout `pip install '.[cuda]'` or "
    "requirements/cuda.txt."
)
"""What to do where JAX is missing on a machine with a GPU."""


def is_installed() -> bool:
    """Return whether JAX can be imported, without importing it."""
    return find_spec("jax") is not None and find_spec("jaxlib") is not None


def missing(reason: str) -> ExperimentError:
    """Return the error that says that JAX is needed, for a reason as in `load`, and missing."""
    message = f"{reason}; expected JAX, which is not installed here. {INSTALL_CPU}"
    return ExperimentError(message)


def load(reason: str) -> None:
    """Import JAX, set up for worker processes.

    Parameters
    ----------
    reason : str
        What needs it, the beginning of a sentence: ``--engine is 'pytensor-jax'``.

    Raises
    ------
    ExperimentError
        If it is not installed.
    """
    if not is_installed():
        raise missing(reason)
    # XLA reads these when it first computes, so they have to stay in the environment. One thread
    # per worker process, as workers are the parallelism; and a GPU's memory is not taken whole.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if "XLA_FLAGS" not in os.environ:
        os.environ["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
            " --xla_gpu_deterministic_ops=true"
        )
    import jax  # noqa: F401


def platform() -> str:
    """Return the kind of device that JAX computes on in this process: cpu, gpu or another.

    Raises
    ------
    ExperimentError
        If JAX is not installed.
    """
    load("a worker's device is to be computed on")
    import jax

    return str(jax.devices()[0].platform)
