"""Memory that was freed stays with a worker's process, which soon needs it again.

Labels, columns and files of a batch are hundreds of arrays of a megabyte. By default glibc fetches
each from the system, page by page, and gives it back: a third of what a short restart costs.
"""

from __future__ import annotations

import ctypes
import os
import sys
from types import MappingProxyType
from typing import Final

_KEPT_BYTES = 2**27
_LARGEST_BYTES = 2**25  # the most that glibc takes

MALLOC_VARIABLES: Final = MappingProxyType(
    {"MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES), "MALLOC_MMAP_THRESHOLD_": str(_LARGEST_BYTES)}
)
"""What does the same for a process that begins with them. Dask's own value gives back all."""

DASKS_TRIM: Final = "65536"
"""What Dask sets ``MALLOC_TRIM_THRESHOLD_`` to in its workers, if nobody says otherwise."""


def keep_freed_memory() -> None:
    """Have this process keep what it frees, up to 128 MiB; arrays of more than 32 MiB still go.

    Changes the process for good. Does nothing where ``MALLOC_MMAP_THRESHOLD_`` is set: the user has
    chosen, or a process that has started this one has done the same. What
    ``MALLOC_TRIM_THRESHOLD_`` says holds, unless it is Dask's own value.
    """
    if sys.platform != "linux" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library
        return
    if os.environ.get("MALLOC_TRIM_THRESHOLD_") in (None, DASKS_TRIM):
        mallopt(-1, _KEPT_BYTES)  # glibc's M_TRIM_THRESHOLD
    mallopt(-3, _LARGEST_BYTES)  # and M_MMAP_THRESHOLD
