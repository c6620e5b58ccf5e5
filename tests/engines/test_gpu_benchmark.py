"""`make gpu`, as far as it goes without a GPU: its cases, their bits, its plan."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from support.nvptx import needs_nvptx
from support.ptx_machine import Machine

ROOT = Path(__file__).parents[2]
pytestmark = needs_nvptx


@pytest.fixture(scope="module")
def gpu():
    """The command's module."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import gpu
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return gpu


@pytest.fixture(scope="module")
def path(gpu, tmp_path_factory) -> Path:
    """Two small cases, made on a CPU."""
    made = pytest.MonkeyPatch()
    made.setattr(gpu.gpu_cases, "N", 40)
    made.setattr(gpu.gpu_cases, "STEPS", 8)
    path = tmp_path_factory.mktemp("gpu") / "cases.npz"
    settings = {name: gpu.gpu_cases.SETTINGS[name] for name in ("AND", "mini-batches, shuffled")}
    gpu.gpu_cases.write(path, settings, ("float32",))
    made.undo()
    return path


def test_bits_are_compared_with_a_cpus_in_every_copy(gpu, path) -> None:
    cases, device = gpu.gpu_cases.read(path), gpu.Timed(Machine())
    assert dict(gpu.bits(cases, device, copies=2)) == dict.fromkeys(cases, True)
    assert device.kernel_s > 0
    title = "AND, float32"
    cases[title]["hyper"][0] *= 1.0001
    assert dict(gpu.bits(cases, device, copies=2))[title] is False


def test_rates_are_those_of_the_steps_that_were_made(gpu, path, monkeypatch) -> None:
    monkeypatch.setattr(gpu, "STEPS", 3)
    case, device = gpu.gpu_cases.read(path)["AND, float32"], gpu.Timed(Machine())
    kernel, whole = gpu.rate(case, device, 5)
    assert kernel > whole > 0


def test_what_is_found_is_kept_under_the_name_of_the_gpu(
    gpu, path, tmp_path, monkeypatch, capsys
) -> None:
    for part in ("rates", "others", "peak", "sweep"):
        monkeypatch.setattr(gpu, part, lambda *_: iter(["a line"]))
    monkeypatch.setattr(gpu, "COPIES", 1)
    cases = gpu.gpu_cases.read(path)
    assert gpu.measured(cases, gpu.Timed(Machine()), path, tmp_path) == 0
    (kept,) = tmp_path.iterdir()
    assert kept.name == "a-machine-that-was-written-from-the-manual.txt"
    assert kept.read_text() == capsys.readouterr().out
    assert "AND, float32: the same bits" in kept.read_text()


def test_a_sweep_is_compared_and_its_rate_is_that_of_a_worker(gpu, monkeypatch) -> None:
    """With a CPU in place of the GPU: the rest of it is what a GPU would do."""
    monkeypatch.setattr(gpu, "LONG", gpu.LONG.replace("20000", "200"))
    monkeypatch.setattr(gpu, "LONG_STEPS", 200)
    same, *ends, float32, float64 = list(gpu.sweep(("cpu", "cpu"), 100))[-3:]
    assert not ends
    assert same == "the shards have the same bytes"
    for line in (float32, float64):
        assert "G restart-steps/s" in line
        assert "exit code" not in line


def test_the_runner_by_jax_makes_every_step(gpu) -> None:
    pytest.importorskip("jax")
    first = np.random.default_rng(1).uniform(-1, 1, (9, 10)).astype("float32")
    assert gpu.gpu_others.runner_by_jax("float32", first)() == 10 * gpu.gpu_others.STEPS


@pytest.mark.skipif(
    which("ptxas") is None or which("cuobjdump") is None,
    reason="no ptxas and cuobjdump of CUDA on PATH",
)
def test_counts_of_machine_code_are_those_of_the_page() -> None:
    """Within what two versions of CUDA may differ in; the page says its own."""
    command = [sys.executable, "benchmarks/gpu_limit.py", "XOR"]
    made = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    page = (ROOT / "docs" / "engines.md").read_text()
    for dtype in ("float32", "float64"):
        (found,), (said,) = (
            re.findall(rf"^\| XOR \| {dtype} \|(.*)\|$", text, flags=re.MULTILINE)
            for text in (made.stdout, page)
        )
        ours, theirs = (
            [int(number.replace(",", "")) for number in row.split("|")] for row in (found, said)
        )
        assert ours[1] == theirs[1] == 0  # nothing is spilled
        assert ours == pytest.approx(theirs, rel=0.1)


def test_without_a_gpu_it_says_what_it_would_do(path) -> None:
    command = [sys.executable, "benchmarks/gpu.py", "--cases", str(path)]
    planned = subprocess.run(
        [*command, "--plan"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    total = int(planned.split()[0])
    assert total < 9 * 60
    assert all(f"  {name} " in planned for name in ("bits", "rates", "others", "peak", "sweep"))
    if "none that cuda-core sees" in planned:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "--plan" in done.stdout
