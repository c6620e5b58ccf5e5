"""Freed memory stays with a worker's process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import dask
import pytest

from runner.cluster.client import open_client
from runner.cluster.options import ClusterOptions

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


def test_what_dasks_configuration_says_of_memory_holds() -> None:
    key = "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_"
    with (
        dask.config.set({key: 131072}),
        open_client(ClusterOptions(workers=1)) as client,
    ):
        assert client.submit(os.environ.get, "MALLOC_TRIM_THRESHOLD_").result() == "131072"
