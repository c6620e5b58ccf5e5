"""What registers a program is written for, and that its name does not tell."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.written_for import written_for

from runner.engines.registry import programs
from runner.engines.simd import eigenvectors, registers
from runner.engines.simd.registers import AVX, AVX512
from runner.engines.vector_programs import loop_program


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/cpuinfo is Linux's")
def test_registers_are_those_that_the_system_names() -> None:
    flags = Path("/proc/cpuinfo").read_text().split("flags", 1)[-1].split("\n", 1)[0].split()
    takes_halves = registers.binding.get_host_cpu_name() in registers._IN_HALVES
    wide = "avx512f" in flags and not takes_halves
    assert registers.here() == (AVX512 if wide else AVX)


def test_a_processor_that_takes_halves_is_given_halves(monkeypatch) -> None:
    def of(name: str, **features: bool) -> registers.Registers:
        monkeypatch.setattr(registers.binding, "get_host_cpu_name", lambda: name)
        monkeypatch.setattr(registers.binding, "get_host_cpu_features", lambda: features)
        return registers.here.__wrapped__()

    assert of("sapphirerapids", avx512f=True) == AVX512
    assert of("znver5", avx512f=True) == AVX512
    assert of("znver4", avx512f=True) == AVX
    assert of("tigerlake", avx512f=True) == AVX
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


@pytest.mark.parametrize(
    ("n_inputs", "size", "optimizer", "expected"),
    [
        (2, 16, "gradient-descent", 16),
        (2, 256, "gradient-descent", 8),
        (2, 128, "momentum", 8),  # whose state lies beside the weights
        (4, 256, "gradient-descent", 16),
        (4, 256, "adam", 16),
    ],
)
def test_lanes_of_a_block_are_fewer_where_matrices_would_lie_far(
    xor, n_inputs, size, optimizer, expected
) -> None:
    """And few patterns use them while they are near, whatever else an optimizer keeps."""
    patterns = tuple(itertools.product((0.0, 1.0), repeat=n_inputs))
    fields = {"layout": "stacked", "dtype": "float32", "optimizer": optimizer}
    signature = replace(xor(hidden=(size, size), **fields), patterns=patterns)
    signature = replace(signature, architecture=replace(signature.architecture, n_inputs=n_inputs))
    with written_for(AVX512):
        assert loop_program(signature).interface.width == expected


def test_vectors_have_two_registers_to_a_number(xor) -> None:
    for fit, n_lanes in ((AVX, 16), (AVX512, 32)):
        with written_for(fit):
            assert loop_program(xor(dtype="float32")).interface.width == n_lanes


def test_matrices_are_decomposed_as_many_at_once_as_stay_near() -> None:
    with written_for(AVX512):
        assert [eigenvectors.program(n).interface.width for n in (9, 32, 33)] == [16, 16, 8]
    with written_for(AVX):
        assert eigenvectors.program(9).interface.width == 8
