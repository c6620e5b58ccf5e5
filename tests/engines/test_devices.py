from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import runner
from runner.engines.devices import PRETEND_VARIABLE, choose_gpu, require
from runner.errors import ClusterError

ROOT = Path(__file__).parents[2]


def has_gpu() -> bool:
    code = "from runner.engines.jax_backend import platform; print(platform())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1] == "gpu"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    require.cache_clear()
    monkeypatch.delenv(PRETEND_VARIABLE, raising=False)
    yield
    require.cache_clear()


def test_a_cpu_is_there() -> None:
    require("cpu")


def test_a_gpu_that_is_not_there_is_named(monkeypatch) -> None:
    monkeypatch.setattr("runner.engines.jax_backend.platform", lambda: "cpu")
    with pytest.raises(ClusterError, match="offers GPU, but JAX computes on 'cpu'"):
        require("gpu")
    monkeypatch.setenv(PRETEND_VARIABLE, "1")
    require("gpu")


def test_a_cpu_worker_does_not_compute_on_a_gpu(monkeypatch) -> None:
    pytest.importorskip("jax")  # until it is loaded, it can still be told to keep to the CPU
    monkeypatch.setattr("runner.engines.jax_backend.platform", lambda: "gpu")
    monkeypatch.setenv(PRETEND_VARIABLE, "1")
    with pytest.raises(ClusterError, match="offers CPU, but JAX computes on 'gpu'"):
        require("cpu")


def test_an_engine_without_jax_has_no_gpu() -> None:
    require("cpu", "pytensor-numba")
    with pytest.raises(ClusterError, match="computes on CPUs only"):
        require("gpu", "pytensor-numba")


@pytest.mark.parametrize(
    ("name", "visible", "chosen"),
    [
        *(("gpu-0", None, "0"), ("gpu-3", None, "3"), ("host-7-gpu-1", None, "1")),
        *(("gpu-1", "4,6", "6"), ("gpu-0", "GPU-5ebe9f43", "GPU-5ebe9f43")),
        *(("gpu", "4,6", "4,6"), ("node-1", "4", "4"), (2, "4", "4"), ("mygpu-1", "4", "4")),
    ],
)
def test_a_worker_sees_the_gpu_of_its_name(monkeypatch, name, visible, chosen) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    choose_gpu(name)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == chosen


def test_more_workers_than_gpus_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ClusterError, match="wants GPU number 2"):
        choose_gpu("gpu-2")


@pytest.mark.gpu
def test_a_gpu_solves_what_a_cpu_solves(tmp_path) -> None:
    if not has_gpu():
        pytest.skip("JAX sees no GPU")
    experiment = {
        "name": "gpu",
        "restarts": 20_000,
        "problem": {"gate": "XOR"},
        "training": {"learning_rate": 2.0, "max_steps": 2000},
    }
    gpu = runner.sweep(experiment, tmp_path / "gpu", device="gpu", batch_size=1000)
    again = runner.sweep(experiment, tmp_path / "again", device="gpu", batch_size=1000)
    cpu = runner.sweep(experiment, tmp_path / "cpu", device="cpu", batch_size=1000)
    assert {c.device for c in gpu.commits} == {"gpu"}
    assert {c.device for c in cpu.commits} == {"cpu"}
    # the same kind of device: the same bits
    assert again.restarts.equals(gpu.restarts)
    assert again.weights.equals(gpu.weights)
    # another kind: the same restarts, so nearly every verdict agrees
    agree = (gpu.restarts["solved"] == cpu.restarts["solved"]).mean()
    assert agree > 0.999


def test_importing_an_engine_changes_no_environment_variable() -> None:
    code = (
        "import os; before = dict(os.environ)\n"
        "import runner.engines.pytensor, pytensor\n"
        "assert dict(os.environ) == before\n"
        "print(repr(pytensor.config.cxx))"
    )
    env = {k: v for k, v in os.environ.items() if k != "PYTENSOR_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "''\n"  # and it has been read
