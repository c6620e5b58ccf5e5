"""Freed memory stays with a worker's process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FAULTS = """
import resource, sys
import numpy as np
from runner.cluster.client import open_client
from runner.cluster.freed_memory import keep_freed_memory
from runner.cluster.options import ClusterOptions

def faults():
    def count():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**17).sum()
    before = count()
    for _ in range(100):
        np.ones(2**17).sum()
    return (count() - before) * resource.getpagesize() / 2**20

if __name__ == "__main__":
    if sys.argv[1] == "here":
        keep_freed_memory()
        print(faults())
    else:
        with open_client(ClusterOptions(workers=1)) as client:
            print(client.submit(faults).result())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
@pytest.mark.parametrize(
    ("where", "variables", "kept"),
    [
        ("here", {}, True),
        ("here", {"MALLOC_MMAP_THRESHOLD_": "131072"}, False),
        ("here", {"MALLOC_TRIM_THRESHOLD_": "131072"}, False),
        ("here", {"MALLOC_TRIM_THRESHOLD_": "65536"}, True),  # as Dask sets it
        ("worker", {}, True),
    ],
)
def test_arrays_of_a_megabyte_are_not_fetched_from_the_system_again(
    tmp_path, where, variables, kept
) -> None:
    script = tmp_path / "faults.py"
    script.write_text(FAULTS)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")} | variables
    done = subprocess.run(
        [sys.executable, str(script), where],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    megabytes = float(done.stdout)  # of 100
    assert megabytes < 10 if kept else megabytes > 50


CONFIGURED = """
import os
import dask
from runner.cluster.client import open_client
from runner.cluster.options import ClusterOptions

if __name__ == "__main__":
    dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 131072})
    with open_client(ClusterOptions(workers=1)) as client:
        print(client.submit(os.environ.get, "MALLOC_TRIM_THRESHOLD_").result())
"""


def test_what_dasks_configuration_says_of_memory_holds(tmp_path) -> None:
    """In a process of its own, as workers are forked from what its first cluster has begun."""
    script = tmp_path / "configured.py"
    script.write_text(CONFIGURED)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "131072\n"
