"""What a Dask worker started with ``--preload runner.preload`` checks before it takes work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.cluster.freed_memory import keep_freed_memory
from runner.engines.devices import KINDS, choose_gpu, require
from runner.errors import ClusterError


def dask_setup(worker: Any) -> None:
    """Check that a worker offers one resource, CPU or GPU, and has it; else end its process.

    Its process then keeps memory that was freed.

    Raises
    ------
    SystemExit
        With what is wrong. Dask only logs any other exception, and would start the worker.
    """
    try:
        check(worker.name, worker.state.total_resources)
    except ClusterError as error:
        raise SystemExit(str(error)) from None
    keep_freed_memory()


def check(name: object, resources: Mapping[str, float]) -> None:
    """Check what a worker of this process offers.

    Raises
    ------
    ClusterError
        If it is not exactly one of CPU and GPU, or is not there.
    """
    offered = [kind for kind in KINDS if resources.get(kind.upper(), 0) >= 1]
    if len(offered) != 1:
        message = (
            f"worker {name}: --resources is {dict(resources)!r}; expected exactly one of CPU and "
            'GPU. Start it with `--nthreads 1 --resources "CPU=1"` or `... "GPU=1"`.'
        )
        raise ClusterError(message)
    if offered == ["gpu"]:
        choose_gpu(name)
    require(offered[0])
