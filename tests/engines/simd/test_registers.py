"""What registers a program is written for, and that its name does not tell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.written_for import written_for

from runner.engines.registry import programs
from runner.engines.simd import registers
from runner.engines.simd.registers import AVX, AVX512
from runner.engines.vector_programs import loop_program


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/cpuinfo is Linux's")
def test_registers_are_those_that_the_system_names() -> None:
    flags = Path("/proc/cpuinfo").read_text().split("flags", 1)[-1].split("\n", 1)[0].split()
    if "avx512f" not in flags:
        assert registers.here() == AVX


def test_a_processor_that_takes_halves_is_given_halves(monkeypatch) -> None:
    def of(name: str, **features: bool) -> registers.Registers:
        monkeypatch.setattr(registers.binding, "get_host_cpu_name", lambda: name)
        monkeypatch.setattr(registers.binding, "get_host_cpu_features", lambda: features)
        return registers.here.__wrapped__()

    assert of("sapphirerapids", avx512f=True) == AVX512
    assert of("znver5", avx512f=True) == AVX512
    assert of("znver4", avx512f=True) == AVX
    assert of("znver3", avx2=True) == AVX


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"hidden": (4,), "layout": "stacked", "optimizer": "adam"},
        {"hidden": (64, 64), "layout": "stacked", "dtype": "float32"},
    ],
)
def test_programs_have_one_name_whatever_the_registers(xor, fields) -> None:
    signature = xor(**fields)
    texts, names = set(), set()
    for fit in (AVX, AVX512):
        with written_for(fit):
            texts.add(loop_program(signature).text)
            names.add(tuple(programs("pytensor", signature).items()))
    assert len(texts) == 2
    assert len(names) == 1


@pytest.mark.parametrize("fields", [{}, {"hidden": (4,), "layout": "stacked"}])
def test_a_gpu_has_one_program_whatever_registers_are_beside_it(xor, fields) -> None:
    signature, written = xor(**fields), []
    for fit in (AVX, AVX512):
        with written_for(fit):
            written.append(loop_program(signature, gpu=True))
    assert written[0] == written[1]


def test_lanes_of_a_block_are_fewer_where_matrices_would_lie_far(xor) -> None:
    """And few patterns use them while they are near."""
    widths = {}
    with written_for(AVX512):
        for size in (16, 256):
            signature = xor(hidden=(size, size), layout="stacked", dtype="float32")
            widths[size] = loop_program(signature).interface.width
        widths[2] = loop_program(xor(dtype="float32")).interface.width
    assert widths == {2: 32, 16: 16, 256: 8}
