"""The most multiply-adds that a core makes: what products of matrices are measured by."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

import numpy as np
from llvmlite import binding

from runner.engines.simd import registers
from runner.engines.simd.machine_code import assembled

CHAINS = 12
"""Sums that go on beside each other, so that no multiply-add waits for the one before it."""
ROUNDS = 2**22


def multiply_adds(dtype: str) -> Callable[[], float]:
    """Return what measures billions of multiply-adds per second on vectors of a dtype.

    Of numbers: one on a vector counts once for each of its lanes. The vectors are those that the
    processor multiplies at once. It takes some 0.01 s of CPU time.
    """
    width = registers.here().n_bytes // np.dtype(dtype).itemsize
    engine, run = _loaded(_text(width, "float" if dtype == "float32" else "double"))
    numbers = np.full(2 * width, 0.5, dtype)

    def measured() -> float:
        begun = time.process_time()
        run(numbers.ctypes.data, ROUNDS)
        assert engine is not None  # it owns the code
        return CHAINS * width * ROUNDS / (time.process_time() - begun) / 1e9

    return measured


def _text(width: int, real: str) -> str:
    """A program that multiplies and adds in registers, and stores the sums' sum."""
    vector = f"<{width} x {real}>"
    fma = f"@llvm.fma.v{width}{'f32' if real == 'float' else 'f64'}"
    sums = "\n".join(
        f"  %s{i} = phi {vector} [ %x, %entry ], [ %t{i}, %again ]" for i in range(CHAINS)
    )
    steps = "\n".join(
        f"  %t{i} = call {vector} {fma}({vector} %s{i}, {vector} %x, {vector} %x)"
        for i in range(CHAINS)
    )
    total = "\n".join(
        f"  %u{i} = fadd {vector} {f'%u{i - 1}' if i else '%x'}, %t{i}" for i in range(CHAINS)
    )
    return f"""
declare {vector} {fma}({vector}, {vector}, {vector})
define void @run({vector}* %place, i64 %rounds) {{
entry:
  %x = load {vector}, {vector}* %place, align 4
  br label %again
again:
  %k = phi i64 [ 0, %entry ], [ %next, %again ]
{sums}
{steps}
  %next = add i64 %k, 1
  %on = icmp slt i64 %next, %rounds
  br i1 %on, label %again, label %end
end:
{total}
  store {vector} %u{CHAINS - 1}, {vector}* %place, align 4
  ret void
}}
"""


def _loaded(text: str) -> tuple[object, Callable[[int, int], None]]:
    """Return what owns the machine code of a program, and its function."""
    code = assembled(text)
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
    return engine, kind(engine.get_function_address("run"))
