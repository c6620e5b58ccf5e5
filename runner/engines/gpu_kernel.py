"""Tries a signature's kernel on a GPU, and trains by it once it gave a CPU's bits.

`runner.engines.pytensor` writes the kernel, `runner.engines.simd.gpu_loop` is how it runs.
Endpoints are evaluated and labelled on the CPU, as ever: the shard has the bytes of a CPU's.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import numpy as np

from runner.engines import vector_code
from runner.engines.base import Compiled
from runner.engines.cuda_device import Device
from runner.engines.simd.gpu_loop import GpuLoop
from runner.network.shuffle import first_states
from runner.network.signature import HYPERPARAMETERS, Signature

MOST_BYTES = 2**25
"""Memory of one restart, beyond which networks are left to JAX: with it, a GPU trains 128 at once
(`gpu_loop.MOST_SCRATCH_BYTES`). Counted, not measured."""

_TRIED, _STEPS = 256, 200  # restarts and steps of the comparison

_HARD = (0.0, -0.0, 1e-310, 1e-42, 1e30, -1e30, np.inf, np.nan)

_log = logging.getLogger(__name__)


def of(compiled: Compiled, device: Device) -> Compiled | None:
    """Return compiled functions whose training steps are made on a GPU.

    Parameters
    ----------
    compiled : Compiled
        Vector code of this process.
    device : Device

    Returns
    -------
    Compiled, optional
        None if the network has no kernel, or the GPU's bits are not the CPU's: that is logged as
        a warning. The two train the same few restarts first, some of them from infinities,
        subnormal numbers and NaN.
    """
    started = time.perf_counter()
    signature = compiled.signature
    code = _code(signature) if compiled.programs else None
    if code is None or code.loop.interface.scratch_bytes > MOST_BYTES:
        return None
    what = f"{signature.architecture.title}, {signature.optimizer}, {signature.dtype}"
    try:
        loop = GpuLoop(code.loop.code.decode(), code.loop.interface, device)
        ours = replace(compiled, advance=vector_code.advancing(loop), record=None)
        same = _same_bits(compiled, ours)
    except Exception as error:  # of the driver's: whatever it is, JAX may do better
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        _log.warning("the GPU cannot run the kernel of %s (%s); JAX takes its place", what, reason)
        return None
    if not same:
        _log.warning("the GPU's bits of %s are not a CPU's; JAX takes the kernel's place", what)
        return None
    return replace(ours, compile_s=time.perf_counter() - started)


def _code(signature: Signature) -> vector_code.KernelCode | None:
    """Return the code of a signature, from the code cache or written now; None if it has none."""
    code = vector_code.recall(vector_code.KernelCode, signature)
    if code is None:
        from runner.engines import pytensor

        artifact = pytensor.kernel(signature)
        if artifact is None:
            return None
        code = vector_code.KernelCode(artifact)
        vector_code.store(code, signature)
    return code


def _same_bits(first: Compiled, second: Compiled) -> bool:
    """Train the same restarts by both; a NaN counts as a NaN."""
    given = tried(first.signature, _TRIED, _STEPS)
    return all(
        np.where(np.isnan(a), np.nan, a).tobytes() == np.where(np.isnan(b), np.nan, b).tobytes()
        for a, b in zip(first.advance(*given), second.advance(*given), strict=True)
    )


def tried(signature: Signature, n: int, most_steps: int) -> tuple[np.ndarray, ...]:
    """Return n restarts that are hard on arithmetic, as arguments of `Compiled.advance`."""
    rng = np.random.default_rng(0)
    starts = rng.normal(0, 1, (signature.architecture.n_parameters, n))
    first = n - 4 * len(_HARD)  # from there on each has one number that is
    starts[rng.integers(len(starts), size=n - first), np.arange(first, n)] = _HARD * 4
    hyper = np.zeros((len(HYPERPARAMETERS), n))
    hyper[0], hyper[1] = 10 ** rng.uniform(-2, 1, n), 0.5
    generator = first_states(0, 0, n) if signature.shuffled else None
    with np.errstate(all="ignore"):
        state = signature.state.start(starts, hyper[0], generator).astype(signature.dtype)
    return (
        state,
        np.zeros(n, np.int32),
        rng.integers(0, most_steps, n).astype(np.int32),
        hyper.astype(signature.dtype),
        rng.integers(0, 2, (signature.n_targets, n)).astype(signature.dtype),
    )
