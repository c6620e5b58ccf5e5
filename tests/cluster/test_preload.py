from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from distributed import LocalCluster

from runner.cluster.preload import check
from runner.engines.devices import require
from runner.errors import ClusterError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "resources", [{}, {"CPU": 1, "GPU": 1}, {"cpu": 1}, {"CPU": 0.5}, {"RAM": 1}]
)
def test_a_worker_must_offer_one_resource(resources) -> None:
    with pytest.raises(ClusterError, match="expected exactly one of CPU and GPU"):
        check("w", resources)


def test_a_cpu_worker_passes() -> None:
    require.cache_clear()
    check("w", {"CPU": 1, "RAM": 5})
    check("w", {"CPU": 4})


def test_a_worker_without_what_it_offers_does_not_start() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "RUNNER_PRETEND_GPU"}
    with LocalCluster(
        n_workers=0, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        worker = subprocess.run(
            [
                *(sys.executable, "-m", "dask", "worker", cluster.scheduler_address),
                *("--nthreads", "1", "--resources", "GPU=1", "--preload", "runner.preload"),
                "--no-dashboard",
            ],
            cwd=ROOT,
            env=environment | {"JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not cluster.scheduler_info["workers"]
    assert worker.returncode != 0
    assert "a worker offers GPU, but JAX computes on 'cpu' there" in worker.stderr
