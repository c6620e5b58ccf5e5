"""Training by kernels for threads: a CPU's bytes, or another way. The GPU here is no GPU."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from support.nvptx import needs_nvptx
from support.ptx_machine import Machine

from runner.engines import cuda_device, devices, gpu_kernel, registry
from runner.engines.registry import compiled
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.worker import Task, train_batch

XOR = {
    "name": "x",
    "restarts": 12,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 60, "stop_solved": True, "learning_rate": 4.0},
}


class Wrong(Machine):
    """Computes a bit otherwise."""

    def get(self, memory: np.ndarray, array: np.ndarray) -> None:
        super().get(memory, array)
        if array.dtype.kind == "f":
            array[0, 0] = np.nextafter(array[0, 0], 9)


class Broken(Machine):
    """Refuses a kernel."""

    def load(self, code: str, name: str):
        raise RuntimeError("the driver says no\nat length")


@pytest.fixture
def on(monkeypatch):
    """Have a device in the place of a GPU, and few restarts in the comparison."""
    monkeypatch.setattr(gpu_kernel, "_TRIED", 36)
    monkeypatch.setattr(gpu_kernel, "_STEPS", 8)
    registry.on_gpu.cache_clear()
    devices.require.cache_clear()

    def use(device: Machine) -> Machine:
        monkeypatch.setattr(cuda_device, "device", lambda: device)
        return device

    yield use
    registry.on_gpu.cache_clear()
    devices.require.cache_clear()


@needs_nvptx
def test_a_shard_of_a_gpu_has_a_cpus_bytes(on) -> None:
    machine = on(Machine())
    plan = Plan(load_experiment(XOR))
    task = Task(plan.segments(Batch(0, 0, 12)), 1, "pytensor", n_curves=3)
    ours, theirs = (train_batch(replace(task, device=device)) for device in ("gpu", "cpu"))
    assert ours.shard == theirs.shard
    assert ours.telemetry["programs"] == theirs.telemetry["programs"]
    assert ours.telemetry["device"] == "gpu"
    assert machine.runs > 2  # the comparison, and a call for each of the curves' pauses


@needs_nvptx
def test_what_is_given_is_checked_before_a_gpu_sees_it(on, xor, restarts) -> None:
    signature = xor()
    functions = gpu_kernel.of(compiled("pytensor", signature), Machine())
    state, counts = np.ones((signature.n_rows, 3)), np.ones(3, np.int32)
    hyper, targets = np.ones((5, 3)), np.ones((4, 3))
    with pytest.raises(ValueError, match="expected"):
        functions.advance(state.astype("float32"), counts, counts, hyper, targets)
    moved, steps, _ = functions.advance(
        state[:, :0], *([counts[:0]] * 2), hyper[:, :0], targets[:, :0]
    )
    assert moved.shape[1] == steps.size == 0


@needs_nvptx
@pytest.mark.parametrize(
    ("device", "says"),
    [(Wrong(), "not a CPU's; JAX"), (Broken(), r"\(RuntimeError: the driver says no\); JAX")],
)
def test_a_gpu_that_is_not_to_be_believed_leaves_it_to_jax(on, xor, caplog, device, says) -> None:
    with caplog.at_level(logging.WARNING):
        assert gpu_kernel.of(compiled("pytensor", xor()), device) is None
    (record,) = caplog.records
    assert says.replace("\\", "") in record.getMessage()
    assert "\n" not in record.getMessage()


@needs_nvptx
def test_large_networks_and_other_engines_are_left_to_jax(on, xor, monkeypatch, caplog) -> None:
    """Without asking the GPU, which would have refused, with a warning."""
    on(Broken())
    monkeypatch.setattr(gpu_kernel, "MOST_BYTES", -1)
    assert gpu_kernel.of(compiled("pytensor", xor()), Broken()) is None
    monkeypatch.undo()
    on(Broken())
    assert registry.on_gpu("pytensor-jax", xor()) is None
    assert not caplog.records
    assert registry.on_gpu("pytensor", xor()) is None
    assert caplog.records


def test_without_a_gpu_nothing_is_tried() -> None:
    assert cuda_device.is_installed() or cuda_device.device() is None
