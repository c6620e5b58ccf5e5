"""On whose workers stages are done: of one kind of device, and of one that can."""

from __future__ import annotations

import pytest
from support.workers import workers

import runner
from runner.engines import cuda_device, devices, jax_backend
from runner.engines.devices import require_hessians
from runner.errors import ClusterError
from runner.landscape import stage as module

XOR = {
    "name": "s",
    "restarts": 6,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 100},
}


@pytest.fixture
def kernels_alone(monkeypatch):
    """A machine whose GPU trains by kernels, and has no JAX for it."""
    monkeypatch.setattr(cuda_device, "device", object)
    monkeypatch.setattr(jax_backend, "is_installed", lambda: False)
    devices.require.cache_clear()
    yield
    devices.require.cache_clear()


def test_a_gpus_kernels_compute_no_hessians(kernels_alone) -> None:
    devices.require("gpu")
    with pytest.raises(ClusterError, match="expected JAX, which is not installed there"):
        require_hessians("gpu", "pytensor")
    require_hessians("cpu", "pytensor")


@pytest.mark.parametrize("inspect", [runner.analyze, runner.map_landscape])
def test_gpus_without_jax_are_refused_before_anything_is_computed(
    client, tmp_path, request, inspect
) -> None:
    study = runner.sweep(XOR, tmp_path / "s", client)
    request.getfixturevalue("kernels_alone")
    with (
        workers({"GPU": 1}) as (_, gpu),
        pytest.raises(ClusterError, match=r"(?s)by JAX alone.*not installed.*give device='cpu'"),
    ):
        inspect(study, gpu)
    assert not list(study.path.glob("tables/**/*.parquet"))


def test_where_there_are_both_kinds_cpus_alone_are_used(client, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(devices.PRETEND_VARIABLE, "1")
    kinds = []
    real = module.run_stage

    def told(stage, parts, pool, report):
        kinds.append((pool.kinds, pool.total))
        real(stage, parts, pool, report)

    monkeypatch.setattr(module, "run_stage", told)
    study = runner.sweep(XOR, tmp_path / "s", client)
    with workers({"GPU": 1}, {"CPU": 1}) as (_, both):
        assert len(runner.analyze(study, both).verdicts) == 1
    assert kinds == [(("cpu",), 1)] * 2
