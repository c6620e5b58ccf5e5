"""PTX, which a GPU's driver compiles: what a program for it becomes by LLVM's NVPTX target.

Every operation is in PTX what it is in the program: additions, multiplications, divisions, square
roots and fused multiply-adds as ``.rn``, rounded once to the nearest number, which neither PTX's
assembler nor the driver may then fuse, approximate or flush. So a GPU gives a CPU's bits, but for
those of a NaN, which every kind of processor has its own of.
"""

from __future__ import annotations

import re

from llvmlite import binding

from runner.engines.simd.artifact import FOR_GPU, Program
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.vectors import NAME

ARCHITECTURE = "sm_80"
"""The oldest GPUs that the code runs on, Ampere; drivers compile it for their own."""

_TRIPLE = "nvptx64-nvidia-cuda"

_FUNCTIONS = frozenset(
    ("fmuladd", "fabs", "copysign", "rint", "floor", "sqrt", "maximum", "minimum")
)
"""LLVM's functions that are instructions there; another one would end the process."""


def ptx(program: Program) -> str:
    """Compile a program to PTX.

    Parameters
    ----------
    program : Program
        Of the kind ``threads`` or ``blocks``.

    Returns
    -------
    str
        Of one kernel, `runner.engines.simd.vectors.NAME`, with the program's arguments.

    Raises
    ------
    UnknownOperation
        If a GPU has no instruction for a function in it.
    """
    if program.interface.kind not in FOR_GPU:
        message = f"the program is a {program.interface.kind}; expected one for threads or blocks"
        raise ValueError(message)
    called = set(re.findall(r'@"llvm\.(\w+)\.', program.text)) - {"nvvm"}  # the GPU's own
    if unknown := sorted(called - _FUNCTIONS):
        raise UnknownOperation(f"{unknown[0]} on a GPU")
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = binding.Target.from_triple(_TRIPLE).create_target_machine(cpu=ARCHITECTURE, opt=3)
    module = binding.parse_assembly(_kernel(program.text, str(machine.target_data)))
    module.verify()
    passes = binding.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    options = binding.create_pipeline_tuning_options()
    passes.run(module, binding.create_pass_builder(machine, options))
    return str(machine.emit_assembly(module))


def _kernel(text: str, layout: str) -> str:
    """A program's text for a GPU: its function is a kernel, its addresses are aligned as there."""
    for found, wanted in (
        (r"^target triple = .*$", f'target triple = "{_TRIPLE}"'),
        (r"^target datalayout = .*$", f'target datalayout = "{layout}"'),
        (f'^define void @"{NAME}"', f'define ptx_kernel void @"{NAME}"'),
    ):
        text, count = re.subn(found, wanted, text, flags=re.MULTILINE)
        if count != 1:
            message = f"the program has {count} lines like {found!r}; expected one"
            raise ValueError(message)
    return text
