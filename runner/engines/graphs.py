"""PyTensor's namespaces, as all that computes with it imports them, and gradients by it."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from runner.engines.environment import environment
from runner.engines.library_output import diverted_output
from runner.network.tensors import Tensor, total

# No C++ compiler is needed, which also avoids PyTensor's shared compile directory and its lock.
with (
    environment(PYTENSOR_FLAGS=os.environ.get("PYTENSOR_FLAGS", "cxx=")),
    diverted_output("pytensor"),
):
    import pytensor
    import pytensor.tensor as pt

__all__ = ["building", "gradient", "pt", "pytensor"]

# Numba keeps what it has compiled, and inlines otherwise when it reads that back. Where it may
# reorder sums and leave out roundings, bits would tell which of the two a process has done.
pytensor.config.numba__fastmath = False

_FLOATX_LOCK = threading.Lock()  # floatX is the process's, not a thread's


@contextmanager
def building() -> Iterator[None]:
    """Leave out what costs a quarter of the time in which graphs are built and rewritten.

    PyTensor does not note where variables are made, and Python does not look for garbage among
    hundreds of thousands of new objects, most of which stay until the program is written.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        with pytensor.config.change_flags(traceback__limit=0):
            yield
    finally:
        if collects:
            gc.enable()


def gradient(
    seeds: Sequence[tuple[Tensor, Tensor]],
    parameters: Sequence[Tensor],
    held: Sequence[Tensor] = (),
) -> list[Tensor]:
    """Back-propagate (tensor, derivative) pairs to the parameters, and not beyond what is held."""
    # A vector-Jacobian product: the derivative of sum(seed * tensor) with the seeds held constant.
    # (known_grads would not do: a pre-activation can be a bias itself, and is then overridden.)
    # A step unit has no derivative; parameters before it are disconnected and their gradient is 0.
    # The zeros that come from a comparison, as in relu and step, have PyTensor's floatX whatever
    # is compared: as float64 they would widen a float32 gradient, and with it the whole step.
    with _FLOATX_LOCK, pytensor.config.change_flags(floatX=parameters[0].dtype):
        gradients: Tensor = pytensor.grad(
            total([(seed * tensor).sum() for tensor, seed in seeds]),
            list(parameters),
            consider_constant=[*(seed for _, seed in seeds), *held],
            disconnected_inputs="ignore",
        )
    return list(gradients)
