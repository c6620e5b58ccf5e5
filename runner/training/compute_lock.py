"""The lock under which a worker process compiles and computes."""

from __future__ import annotations

import threading

COMPUTE_LOCK = threading.Lock()
"""Held by whatever a Dask worker computes, training and analysis alike, since neither PyTensor's
compiler nor its functions are thread-safe: a process computes one task at a time, however many
threads its worker has."""
