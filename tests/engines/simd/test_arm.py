"""The same programs on another kind of processor, 64-bit Arm with NEON, emulated: the same bits."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from llvmlite import binding
from support.threads import cases, ended, expected, given, signature_of
from support.written_for import written_for

from runner.engines.simd.artifact import Program
from runner.engines.simd.machine_code import assembled
from runner.engines.simd.registers import AVX
from runner.engines.vector_programs import loop_program

TRIPLE = "aarch64-linux-gnu"
GCC, QEMU = f"{TRIPLE}-gcc", "qemu-aarch64"
MISSING = [name for name in (GCC, QEMU) if which(name) is None]
DRIVER = Path(__file__).parents[2] / "support" / "arm.c"

pytestmark = pytest.mark.skipif(
    bool(MISSING),
    reason=f"not on PATH: {', '.join(MISSING)} "
    "(Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)",
)


def machine() -> binding.TargetMachine:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    return binding.Target.from_triple(TRIPLE).create_target_machine(
        features="+neon", opt=2, reloc="pic", codemodel="small"
    )


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("arm") / "driver.o"
    subprocess.run([GCC, "-O1", "-c", "-o", path, DRIVER], check=True)
    return path


def written(case) -> Program:
    """The program of a case as Arm writes it, which has no registers of AVX-512."""
    with written_for(AVX):
        return loop_program(signature_of(case))


def ran(binary: Path, interface, restarts):
    """What the program leaves behind, emulated."""
    rows = [restarts.state, restarts.hyper, restarts.targets]
    given_bytes = [row.dtype.itemsize for row in rows for _ in row]
    n, carried = restarts.steps.size, interface.n_carried
    head = [n, interface.scratch_bytes, carried, len(given_bytes), 1, *given_bytes, 1]
    content = np.array(head, np.int64).tobytes()
    content += b"".join(a.tobytes() for a in (restarts.steps, restarts.limit, *rows))
    out = subprocess.run([QEMU, binary], input=content, capture_output=True, check=True).stdout
    first, second = restarts.state.nbytes, restarts.steps.nbytes
    state = np.frombuffer(out[:first], restarts.state.dtype).reshape(restarts.state.shape)
    steps = np.frombuffer(out[first : first + second], np.int32)
    return ended(state, steps, np.frombuffer(out[first + second :], bool))


@pytest.mark.parametrize("case", cases(), ids=str)
def test_arm_gives_the_bits_of_this_processor(case, driver, tmp_path) -> None:
    """Whatever the numbers are: infinities, zeros of both signs, subnormal ones, none."""
    program = written(case)
    (tmp_path / "run.o").write_bytes(assembled(program.text, machine()))
    binary = tmp_path / "run"
    subprocess.run([GCC, "-static", "-o", binary, driver, tmp_path / "run.o", "-lm"], check=True)
    assert ran(binary, program.interface, given(case)).bits == expected(case).bits


def test_arm_computes_with_whole_vectors_and_fuses() -> None:
    program = written(cases()[0])
    engine, module = machine(), binding.parse_assembly(program.text)
    code = engine.emit_assembly(module)
    assert len(re.findall(r"\bfmla\tv\d+\.2d", code)) >= program.text.count(
        '@"llvm.fmuladd.v8f64"(<8'
    )
