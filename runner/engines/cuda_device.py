"""An NVIDIA GPU, by NVIDIA's own packages `cuda-core` and `cuda-bindings`: memory, code, launches.

Neither JAX nor CUDA's toolkit is needed, only the driver. Nothing here has met a GPU yet:
`make gpu` is what tries it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np


class Device(Protocol):
    """What runs kernels of programs for threads; of the tests, one that is no GPU."""

    def load(self, code: str, name: str) -> Any:
        """Make a kernel of PTX."""
        ...

    def allocate(self, n_bytes: int) -> Any:
        """Memory of the device; `address` tells where, and it is freed with its last reference."""
        ...

    def address(self, memory: Any) -> int:
        """Where memory begins."""
        ...

    def put(self, array: np.ndarray, memory: Any) -> None:
        """Copy a C-contiguous array to the device."""
        ...

    def get(self, memory: Any, array: np.ndarray) -> None:
        """Copy what the device holds over a C-contiguous array."""
        ...

    def most_blocks(self, kernel: Any, n_threads: int) -> int:
        """How many blocks of so many threads the device runs at once."""
        ...

    def run(self, kernel: Any, n_blocks: int, n_threads: int, arguments: tuple[int, ...]) -> None:
        """Run a kernel, whose arguments are 64-bit integers, in blocks of so many threads."""
        ...


class CudaDevice:
    """The GPU that this process sees first.

    Raises
    ------
    RuntimeError
        If there is none, or no driver.
    """

    def __init__(self) -> None:
        gpu = self._current()
        self._stream = gpu.create_stream()
        self.name = str(gpu.name)
        """What the driver calls it."""

    @staticmethod
    def _current() -> Any:
        """The GPU, made that of this thread: a worker's tasks have threads of their own."""
        from cuda.core import Device as Gpu

        gpu = Gpu(0)
        gpu.set_current()
        return gpu

    def load(self, code: str, name: str) -> Any:
        """Make a kernel of PTX; the driver compiles it, and keeps what it has compiled."""
        from cuda.core import ObjectCode

        self._current()
        return ObjectCode.from_ptx(code.encode()).get_kernel(name)

    def allocate(self, n_bytes: int) -> Any:
        """Memory of the device."""
        return self._current().allocate(n_bytes, stream=self._stream)

    def address(self, memory: Any) -> int:
        """Where memory begins."""
        return int(memory.handle)

    def put(self, array: np.ndarray, memory: Any) -> None:
        """Copy an array to the device."""
        from cuda.bindings import driver

        self._current()
        place, stream = self.address(memory), int(self._stream.handle)
        self._check(driver.cuMemcpyHtoDAsync(place, array.ctypes.data, array.nbytes, stream))
        self._stream.sync()

    def get(self, memory: Any, array: np.ndarray) -> None:
        """Copy what the device holds over an array."""
        from cuda.bindings import driver

        self._current()
        place, stream = self.address(memory), int(self._stream.handle)
        self._check(driver.cuMemcpyDtoHAsync(array.ctypes.data, place, array.nbytes, stream))
        self._stream.sync()

    def most_blocks(self, kernel: Any, n_threads: int) -> int:
        """How many blocks of so many threads the GPU holds at once, by its registers; 1 or more."""
        processors = self._current().properties.multiprocessor_count
        each = kernel.occupancy.max_active_blocks_per_multiprocessor(n_threads, 0)
        return max(1, int(processors * each))

    def run(self, kernel: Any, n_blocks: int, n_threads: int, arguments: tuple[int, ...]) -> None:
        """Run a kernel, and wait for it."""
        from cuda.core import LaunchConfig, launch

        self._current()
        launch(self._stream, LaunchConfig(grid=n_blocks, block=n_threads), kernel, *arguments)
        self._stream.sync()

    @staticmethod
    def _check(answer: tuple[Any, ...]) -> None:
        if int(answer[0]) != 0:
            message = f"the CUDA driver answers {answer[0]}"
            raise RuntimeError(message)


def is_installed() -> bool:
    """Return whether NVIDIA's packages can be imported, without importing them."""
    try:
        return all(find_spec(name) is not None for name in ("cuda.core", "cuda.bindings"))
    except ModuleNotFoundError:  # of a package that is not there, its part neither
        return False


@cache
def device() -> CudaDevice | None:
    """Return the GPU of this process; None if there is none that NVIDIA's packages can use."""
    if not is_installed():
        return None
    try:
        return CudaDevice()
    except Exception:  # whatever the driver says, or its absence: there is no such device
        return None
