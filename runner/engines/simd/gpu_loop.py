"""A program for threads on a GPU, called as `runner.engines.simd.machine_code.Loop` is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.engines.simd.artifact import Interface
from runner.engines.simd.machine_code import check_loop
from runner.engines.simd.thread_block import threads_of
from runner.engines.simd.vectors import NAME

THREADS = 128
"""Of a block whose threads have a lane each: four warps, none of which waits for another."""

MOST_SCRATCH_BYTES = 2**32
"""Memory that all blocks of threads together use besides their restarts."""

if TYPE_CHECKING:
    from runner.engines.cuda_device import Device


class GpuLoop:
    """PTX that repeats a step in every column until it halts there.

    Parameters
    ----------
    code : str
        See `runner.engines.simd.ptx.ptx`.
    interface : Interface
        Of the program.
    device : Device
        What runs it.
    """

    def __init__(self, code: str, interface: Interface, device: Device) -> None:
        self._interface, self._device = interface, device
        self._kernel = device.load(code, NAME)
        self._is_of_blocks = interface.kind == "blocks"
        self._n_threads = threads_of(interface.widest) if self._is_of_blocks else THREADS
        """Of one block."""

    def __call__(
        self,
        carried: np.ndarray,
        steps: np.ndarray,
        limit: np.ndarray,
        fixed: Sequence[np.ndarray],
        others: Sequence[np.ndarray],
    ) -> None:
        """Repeat the step; as `Loop`, but what is carried has to be C-contiguous."""
        if not carried.flags.c_contiguous:
            message = "what is carried is not C-contiguous; expected rows one after the other"
            raise ValueError(message)
        check_loop(self._interface, carried, steps, limit, fixed, others)
        n = steps.size
        if not n:
            return
        given = [np.ascontiguousarray(array) for array in (carried, *fixed)]
        halted = np.empty(n, bool)
        told = [carried, halted, *others]
        sources = [self._put(array) for array in given]
        # what is carried is read and written in one place
        targets = [sources[0], *(self._put(array) for array in told[1:])]
        clock, until = self._put(steps), self._put(np.ascontiguousarray(limit))
        tables = [
            self._put(np.concatenate(list(map(self._rows, memory, arrays))))
            for memory, arrays in ((sources, given), (targets, told))
        ]
        counter = self._put(np.zeros(1, np.int64))
        memory = (*tables, clock, until, counter)
        first, second, *others_at = (self._device.address(each) for each in memory)
        arguments = [first, second, n, *others_at]
        n_blocks = self._device.most_blocks(self._kernel, self._n_threads)
        if self._is_of_blocks:
            each = self._interface.scratch_bytes
            n_blocks = max(1, min(n, n_blocks, MOST_SCRATCH_BYTES // each))
            scratch = self._device.allocate(n_blocks * each)
            arguments += [each, self._device.address(scratch)]
        else:
            n_blocks = min(-(-n // self._n_threads), n_blocks)
        self._device.run(self._kernel, n_blocks, self._n_threads, tuple(arguments))
        for place, array in zip((*targets, clock), (*told, steps), strict=True):
            self._device.get(place, array)

    def _put(self, array: np.ndarray) -> Any:
        """Copy an array to new memory of the device."""
        memory = self._device.allocate(max(array.nbytes, 1))
        self._device.put(array, memory)
        return memory

    def _rows(self, memory: Any, array: np.ndarray) -> np.ndarray:
        """Where the rows of an array begin on the device."""
        first, step = self._device.address(memory), array.shape[-1] * array.itemsize
        return np.arange(first, first + array.nbytes, step, dtype=np.int64)
